// How an endpoint words an answer: in one object, or as events while it comes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/answers.h"
#include "api/error.h"

namespace sotto::api {

// One answer, one thread. Either whole(), or begin(), piece() for each piece, and end() or fail().
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;

  virtual boost::json::object whole(std::span<const Choice> choices, const Usage& usage) = 0;

  // Events as they go over the wire.
  virtual std::string begin() = 0;
  virtual std::string piece(const Choice& piece) = 0;
  virtual std::string end(const Usage& usage) = 0;
  virtual std::string fail(const ApiError& error) = 0;
};

// chat.completion and its chunks.
std::unique_ptr<AnswerWriter> make_chat_writer(AnswerHead head, uint32_t choices, bool logprobs,
                                               bool include_usage);
// text_completion; `begin` is what each choice begins with: the prompt that is echoed.
std::unique_ptr<AnswerWriter> make_text_writer(AnswerHead head, std::vector<std::string> begin,
                                               bool logprobs, bool include_usage);
// response, of one choice; `echo` are the settings that it repeats.
std::unique_ptr<AnswerWriter> make_responses_writer(AnswerHead head, boost::json::object echo);

}  // namespace sotto::api

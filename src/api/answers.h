// The JSON that goes back: completions whole and in pieces, models, usage.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampler.h"
#include "text/tokenizer.h"

namespace sotto::api {

struct Usage {
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  uint64_t reasoning_tokens = 0;  // among the former
  uint64_t cached_tokens = 0;     // among the prompt's
};
boost::json::object usage_json(const Usage& usage);

// What is the same in an answer and all its pieces.
struct AnswerHead {
  std::string id;
  int64_t created = 0;  // Unix time
  std::string model;
};

// A function that the model asks to be called.
struct ToolCall {
  std::string id;  // made by us
  std::string name;
  std::string arguments;  // a JSON object
};

// One choice so far, or a piece of it.
struct Choice {
  uint32_t index = 0;
  std::string reasoning;
  std::string content;
  std::vector<ToolCall> calls;  // whole ones
  uint32_t calls_before = 0;    // of a piece: how many have come already
  boost::json::array logprobs;  // of token_logprob()
  std::string finish_reason;    // empty while it goes on
};

// chat.completion
boost::json::object chat_completion(const AnswerHead& head, std::span<const Choice> choices,
                                    const Usage& usage, bool logprobs);
// chat.completion.chunk: the role alone, a piece, and after the last the usage without choices.
boost::json::object chat_chunk_begin(const AnswerHead& head, uint32_t index);
boost::json::object chat_chunk(const AnswerHead& head, const Choice& piece, bool logprobs);
boost::json::object chat_chunk_usage(const AnswerHead& head, const Usage& usage);

// text_completion, whole or a piece
boost::json::object text_completion(const AnswerHead& head, std::span<const Choice> choices,
                                    const std::optional<Usage>& usage, bool logprobs);

// An entry of logprobs.content.
boost::json::object token_logprob(const text::Tokenizer& tokenizer, const engine::Sampled& token);

struct ModelEntry {
  std::string id;
  int64_t created = 0;
  uint32_t context = 0;                  // positions of one request
  std::string model_root;                // hexadecimal [docs/protocols/model-identity.md]
  std::vector<std::string> file_sha256;  // one per file
};
boost::json::object model_json(const ModelEntry& model);
boost::json::object models_json(std::span<const ModelEntry> models);

}  // namespace sotto::api

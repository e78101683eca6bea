// From messages and texts to what a model is to continue: its vocabulary and its chat template, without its weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ctime>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "gguf/load.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"
#include "text/tool_calls.h"

namespace sotto::engine {

// What the model is to continue.
struct Prompt {
  std::vector<TokenId> ids;
  bool in_reasoning = false;  // the template opened <think> already
  bool may_reason = false;    // the model may open it
};

// What a chat template is given beside the messages.
struct ChatExtras {
  boost::json::array tools;
  boost::json::object variables;  // such as {"enable_thinking": false}
};

// Usable from any thread once it is made.
class Prompts {
 public:
  static Result<Prompts> from_metadata(const gguf::Metadata& metadata);

  // Without a chat template a model continues text and knows no turns.
  bool has_template() const { return template_.has_value(); }
  // `messages` and tools as in OpenAI's API, a call's arguments as text. Only the template's own words
  // can become special tokens. Where the template does not know tools they are explained to the model.
  // A template that asks for the date is told that of UTC.
  Result<Prompt> chat(const boost::json::array& messages, const ChatExtras& extras) const;
  // The text as it is, after BOS where the vocabulary asks for it; no special tokens.
  Result<Prompt> plain(std::string_view text) const;
  // What is `now` from here on, in Unix seconds: for making an earlier prompt again.
  void stop_clock(std::time_t now) { now_ = now; }

  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  const text::ToolSupport& tools() const { return tools_; }

 private:
  explicit Prompts(text::Tokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}
  void add_bos(std::vector<TokenId>& ids) const;

  text::Tokenizer tokenizer_;
  std::optional<text::ChatTemplate> template_;
  text::ToolSupport tools_;
  bool reasons_ = false;  // the template speaks of <think> or </think>, and the vocabulary has it
  std::optional<std::time_t> now_;
};

}  // namespace sotto::engine

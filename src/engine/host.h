// A loaded model together with what it takes to converse: vocabulary, chat template, engine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/threads.h"
#include "base/token.h"
#include "engine/engine.h"
#include "gguf/load.h"
#include "model/model.h"
#include "text/chat_template.h"
#include "text/token_trie.h"
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

// Prompts may be made on any thread; the engine has its own.
class Host {
 public:
  // A context of 0 is the model's own, but not above `context_default_max`; cache_positions of 0 is
  // room for as many. `exhausted` for a context beyond the model's.
  static Result<std::unique_ptr<Host>> open(gguf::Source source, uint32_t threads,
                                            EngineOptions options, uint32_t context_default_max,
                                            const Progress& progress);

  // Without a chat template a model continues text and knows no turns.
  bool has_template() const { return template_.has_value(); }
  // `messages` and tools as in OpenAI's API, a call's arguments as text. Only the template's own words
  // can become special tokens. Where the template does not know tools they are explained to the model.
  Result<Prompt> chat_prompt(const boost::json::array& messages, const ChatExtras& extras) const;
  // The text as it is, after BOS where the vocabulary asks for it; no special tokens.
  Result<Prompt> plain_prompt(std::string_view text) const;

  const std::vector<TokenId>& end_tokens() const { return end_tokens_; }
  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  const text::ToolSupport& tools() const { return tools_; }
  // For grammars; made when it is first asked for.
  std::shared_ptr<const text::TokenTrie> trie() const;
  const gguf::Metadata& metadata() const { return source_.description().metadata; }
  const model::Model& model() const { return *model_; }
  Engine& engine() { return *engine_; }
  const Engine& engine() const { return *engine_; }

 private:
  Host(gguf::Source source, uint32_t threads, text::Tokenizer tokenizer);
  void add_bos(std::vector<TokenId>& ids) const;

  gguf::Source source_;
  ThreadPool pool_;
  text::Tokenizer tokenizer_;
  std::optional<text::ChatTemplate> template_;
  text::ToolSupport tools_;
  bool reasons_ = false;  // the template speaks of <think> or </think>, and the vocabulary has it
  mutable std::once_flag trie_once_;
  mutable std::shared_ptr<const text::TokenTrie> trie_;
  std::vector<TokenId> end_tokens_;
  std::unique_ptr<model::Model> model_;
  std::unique_ptr<Engine> engine_;  // last: ends before the model does
};

}  // namespace sotto::engine

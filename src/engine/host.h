// A loaded model together with what it takes to converse: vocabulary, chat template, engine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/threads.h"
#include "base/token.h"
#include "engine/engine.h"
#include "engine/prompts.h"
#include "gguf/load.h"
#include "model/model.h"
#include "text/token_trie.h"

namespace sotto::engine {

// Prompts may be made on any thread; the engine has its own.
class Host {
 public:
  // A context of 0 is the model's own, but not above `context_default_max`; cache_positions of 0 is
  // room for as many. `exhausted` for a context beyond the model's.
  static Result<std::unique_ptr<Host>> open(gguf::Source source, uint32_t threads,
                                            EngineOptions options, uint32_t context_default_max,
                                            const Progress& progress);

  // What prompts are made with.
  const Prompts& prompts() const { return prompts_; }
  Prompts& prompts() { return prompts_; }
  const std::vector<TokenId>& end_tokens() const { return end_tokens_; }
  const text::Tokenizer& tokenizer() const { return prompts_.tokenizer(); }
  // For grammars; made when it is first asked for.
  std::shared_ptr<const text::TokenTrie> trie() const;
  const gguf::Metadata& metadata() const { return source_.description().metadata; }
  const model::Model& model() const { return *model_; }
  Engine& engine() { return *engine_; }
  const Engine& engine() const { return *engine_; }

 private:
  Host(gguf::Source source, uint32_t threads, Prompts prompts);

  gguf::Source source_;
  ThreadPool pool_;
  Prompts prompts_;
  mutable std::once_flag trie_once_;
  mutable std::shared_ptr<const text::TokenTrie> trie_;
  std::vector<TokenId> end_tokens_;
  std::unique_ptr<model::Model> model_;
  std::unique_ptr<Engine> engine_;  // last: ends before the model does
};

}  // namespace sotto::engine

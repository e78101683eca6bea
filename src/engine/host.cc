// Loading a model with all that belongs to it.
// SPDX-License-Identifier: Apache-2.0
#include "engine/host.h"

#include <algorithm>
#include <utility>

namespace sotto::engine {
namespace {

model::ForwardLimits forward_limits(const EngineOptions& options) {
  const uint32_t drafts_max =
      options.speculation == Speculation::off ? 0 : options.draft_tokens_max;
  return {.batch_tokens_max = std::max(options.prompt_chunk, drafts_max) + options.sequences_max,
          .logit_rows_max = drafts_max + options.sequences_max};
}

}  // namespace

Host::Host(gguf::Source source, uint32_t threads, Prompts prompts)
    : source_(std::move(source)), pool_(threads), prompts_(std::move(prompts)) {}

Result<std::unique_ptr<Host>> Host::open(gguf::Source source, uint32_t threads,
                                         EngineOptions options, uint32_t context_default_max,
                                         const Progress& progress) {
  Prompts prompts = TRY(Prompts::from_metadata(source.description().metadata));
  std::unique_ptr<Host> self(new Host(std::move(source), threads, std::move(prompts)));
  for (uint32_t id = 0; id < self->tokenizer().vocabulary_size(); ++id) {
    const TokenId token = static_cast<TokenId>(id);
    if (self->tokenizer().ends_generation(token)) self->end_tokens_.push_back(token);
  }
  self->model_ =
      TRY(model::Model::load(self->source_, forward_limits(options), self->pool_, progress));
  const uint32_t context_max = self->model_->shape().context_max;
  if (options.context > context_max) {
    return fail(ErrorKind::exhausted, "a context of {} is beyond the {} positions of this model",
                options.context, context_max);
  }
  if (options.context == 0) options.context = std::min(context_max, context_default_max);
  self->engine_ = TRY(Engine::create(*self->model_, options));
  return self;
}

std::shared_ptr<const text::TokenTrie> Host::trie() const {
  std::call_once(trie_once_, [&] { trie_ = std::make_shared<const text::TokenTrie>(tokenizer()); });
  return trie_;
}

}  // namespace sotto::engine

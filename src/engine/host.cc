// Loading a model with all that belongs to it, and from messages to a prompt.
// SPDX-License-Identifier: Apache-2.0
#include "engine/host.h"

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>

#include "base/check.h"
#include "text/reasoning.h"

namespace sotto::engine {
namespace {

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm broken_down{};
  localtime_r(&now, &broken_down);
  return broken_down;
}

Result<std::optional<text::ChatTemplate>> find_template(const gguf::Metadata& metadata) {
  const std::string source =
      TRY(metadata.get_or<std::string>("tokenizer.chat_template", std::string()));
  if (source.empty()) return std::nullopt;
  auto parsed = text::ChatTemplate::parse(source);
  if (!parsed) return within("tokenizer.chat_template", std::move(parsed).error());
  return std::move(*parsed);
}

// How a template should spell a special token; empty where the vocabulary has none.
std::string spelling(const text::Tokenizer& tokenizer, std::optional<TokenId> id) {
  return id ? std::string(tokenizer.token_text(*id)) : std::string();
}

model::ForwardLimits forward_limits(const EngineOptions& options) {
  const uint32_t drafts_max =
      options.speculation == Speculation::off ? 0 : options.draft_tokens_max;
  return {.batch_tokens_max = std::max(options.prompt_chunk, drafts_max) + options.sequences_max,
          .logit_rows_max = drafts_max + options.sequences_max};
}

}  // namespace

Host::Host(gguf::Source source, uint32_t threads, text::Tokenizer tokenizer)
    : source_(std::move(source)), pool_(threads), tokenizer_(std::move(tokenizer)) {}

Result<std::unique_ptr<Host>> Host::open(gguf::Source source, uint32_t threads,
                                         EngineOptions options, uint32_t context_default_max,
                                         const Progress& progress) {
  text::Tokenizer tokenizer = TRY(text::Tokenizer::from_metadata(source.description().metadata));
  std::unique_ptr<Host> self(new Host(std::move(source), threads, std::move(tokenizer)));
  self->template_ = TRY(find_template(self->metadata()));
  for (uint32_t id = 0; id < self->tokenizer_.vocabulary_size(); ++id) {
    const TokenId token = static_cast<TokenId>(id);
    if (self->tokenizer_.ends_generation(token)) self->end_tokens_.push_back(token);
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

void Host::add_bos(std::vector<TokenId>& ids) const {
  const std::optional<TokenId> bos = tokenizer_.bos();
  if (!tokenizer_.adds_bos() || !bos) return;
  if (ids.empty() || ids.front() != *bos) ids.insert(ids.begin(), *bos);
}

Result<Prompt> Host::chat_prompt(const boost::json::array& messages,
                                 const ChatExtras& extras) const {
  CHECK(template_.has_value());
  text::ChatInput input;
  input.messages = messages;
  if (!extras.tools.empty()) input.tools = extras.tools;
  input.extra = extras.variables;
  input.bos_token = spelling(tokenizer_, tokenizer_.bos());
  input.eos_token = spelling(tokenizer_, tokenizer_.eos());
  input.now = local_time();
  const std::vector<text::TextRun> runs = TRY(template_->render(input));
  Prompt prompt{.ids = TRY(tokenizer_.encode(runs)),
                .in_reasoning = text::prompt_opens_reasoning(text::join(runs))};
  add_bos(prompt.ids);
  return prompt;
}

Result<Prompt> Host::plain_prompt(std::string_view text) const {
  Prompt prompt{.ids = TRY(tokenizer_.encode(text, false)), .in_reasoning = false};
  add_bos(prompt.ids);
  return prompt;
}

}  // namespace sotto::engine

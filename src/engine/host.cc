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

Result<std::optional<text::ChatTemplate>> parse_template(const std::string& source) {
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
  const std::string chat_template =
      TRY(self->metadata().get_or<std::string>("tokenizer.chat_template", std::string()));
  self->template_ = TRY(parse_template(chat_template));
  self->tools_ = text::tool_support(chat_template);
  self->reasons_ = chat_template.find("think>") != std::string::npos &&
                   self->tokenizer_.find("<think>").has_value();
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

std::shared_ptr<const text::TokenTrie> Host::trie() const {
  std::call_once(trie_once_, [&] { trie_ = std::make_shared<const text::TokenTrie>(tokenizer_); });
  return trie_;
}

Result<Prompt> Host::chat_prompt(const boost::json::array& messages,
                                 const ChatExtras& extras) const {
  CHECK(template_.has_value());
  text::ChatInput input;
  input.messages = text::explain_tools(tools_, messages, extras.tools);
  if (!extras.tools.empty() && tools_.lists_tools) input.tools = extras.tools;
  input.extra = extras.variables;
  input.bos_token = spelling(tokenizer_, tokenizer_.bos());
  input.eos_token = spelling(tokenizer_, tokenizer_.eos());
  input.now = local_time();
  const std::vector<text::TextRun> runs = TRY(template_->render(input));
  const std::string text = text::join(runs);
  Prompt prompt;
  prompt.ids = TRY(tokenizer_.encode(runs));
  prompt.in_reasoning = text::prompt_opens_reasoning(text);
  prompt.may_reason = reasons_ && !prompt.in_reasoning && !text::prompt_closes_reasoning(text);
  add_bos(prompt.ids);
  return prompt;
}

Result<Prompt> Host::plain_prompt(std::string_view text) const {
  Prompt prompt;
  prompt.ids = TRY(tokenizer_.encode(text, false));
  add_bos(prompt.ids);
  return prompt;
}

}  // namespace sotto::engine

// From messages to a prompt, and from tokens to an answer.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/assistant.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "base/check.h"
#include "base/progress.h"
#include "cmd/model_source.h"
#include "engine/answer.h"

namespace sotto::cmd {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

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

}  // namespace

double Reply::prompt_rate() const {
  return first_token_seconds > 0 ? prompt_tokens / first_token_seconds : 0;
}

double Reply::generate_rate() const {
  const double seconds = total_seconds - first_token_seconds;
  return completion_tokens > 1 && seconds > 0 ? (completion_tokens - 1) / seconds : 0;
}

std::string_view to_string(engine::FinishReason reason) {
  switch (reason) {
    case engine::FinishReason::stop:
      return "stop";
    case engine::FinishReason::length:
      return "length";
    case engine::FinishReason::cancelled:
      return "cancelled";
  }
  CHECK(false);
}

Assistant::Assistant(gguf::Source source, uint32_t threads, text::Tokenizer tokenizer)
    : source_(std::move(source)), pool_(threads), tokenizer_(std::move(tokenizer)) {}

Result<std::unique_ptr<Assistant>> Assistant::open(const AssistantOptions& options) {
  const Clock::time_point start = Clock::now();
  gguf::Source source = TRY(open_model(options.model));
  text::Tokenizer tokenizer = TRY(text::Tokenizer::from_metadata(source.description().metadata));
  std::unique_ptr<Assistant> self(
      new Assistant(std::move(source), options.threads, std::move(tokenizer)));
  self->template_ = TRY(find_template(self->metadata()));
  for (uint32_t id = 0; id < self->tokenizer_.vocabulary_size(); ++id) {
    const TokenId token = static_cast<TokenId>(id);
    if (self->tokenizer_.ends_generation(token)) self->end_tokens_.push_back(token);
  }

  engine::EngineOptions engine_options;
  engine_options.sequences_max = 1;
  engine_options.queue_max = 1;
  engine_options.kv_type = options.kv_type;
  engine_options.speculation = options.speculation;
  const bool speculates = options.speculation != engine::Speculation::off;
  const uint32_t drafts_max = speculates ? engine_options.draft_tokens_max : 0;
  const model::ForwardLimits limits{
      .batch_tokens_max =
          std::max(engine_options.prompt_chunk, drafts_max) + engine_options.sequences_max,
      .logit_rows_max = drafts_max + engine_options.sequences_max};
  self->model_ =
      TRY(model::Model::load(self->source_, limits, self->pool_, terminal_progress("loading")));
  const uint32_t context_max = self->model_->shape().context_max;
  if (options.context > context_max) {
    return fail(ErrorKind::exhausted, "--context {} is beyond the {} positions of this model",
                options.context, context_max);
  }
  self->context_ =
      options.context != 0 ? options.context : std::min(context_max, kContextDefaultMax);
  engine_options.context = self->context_;
  self->engine_ = TRY(engine::Engine::create(*self->model_, engine_options));
  self->load_seconds_ = seconds_since(start);
  return self;
}

void Assistant::add_bos(std::vector<TokenId>& ids) const {
  const std::optional<TokenId> bos = tokenizer_.bos();
  if (!tokenizer_.adds_bos() || !bos) return;
  if (ids.empty() || ids.front() != *bos) ids.insert(ids.begin(), *bos);
}

Result<Prompt> Assistant::chat_prompt(const boost::json::array& messages) const {
  CHECK(template_.has_value());
  text::ChatInput input;
  input.messages = messages;
  input.bos_token = spelling(tokenizer_, tokenizer_.bos());
  input.eos_token = spelling(tokenizer_, tokenizer_.eos());
  input.now = local_time();
  const std::vector<text::TextRun> runs = TRY(template_->render(input));
  Prompt prompt{.ids = TRY(tokenizer_.encode(runs)),
                .in_reasoning = text::prompt_opens_reasoning(text::join(runs))};
  add_bos(prompt.ids);
  return prompt;
}

Result<Prompt> Assistant::plain_prompt(std::string_view text) const {
  Prompt prompt{.ids = TRY(tokenizer_.encode(text, false)), .in_reasoning = false};
  add_bos(prompt.ids);
  return prompt;
}

Result<Reply> Assistant::answer(Prompt prompt, const AnswerSettings& settings,
                                Interrupts& interrupts,
                                FunctionRef<void(const text::AnswerPiece&)> on_piece) {
  const Clock::time_point start = Clock::now();
  Reply reply;
  reply.prompt_tokens = static_cast<uint32_t>(prompt.ids.size());
  engine::Answer text(tokenizer_, {.stop_strings = settings.stops,
                                   .split_reasoning = has_template(),
                                   .reasoning_is_open = prompt.in_reasoning});
  const auto hand_on = [&](const text::AnswerPiece& piece) {
    reply.reasoning += piece.reasoning;
    reply.content += piece.content;
    on_piece(piece);
  };

  engine::Request request;
  request.prompt = std::move(prompt.ids);
  request.tokens_max = settings.tokens_max;
  request.sampling = settings.sampling;
  request.stop_tokens = end_tokens_;
  engine::TokenStream stream = TRY(engine_->submit(std::move(request)));
  const OnInterrupt cancel(interrupts, [&stream] { stream.cancel(); });
  for (;;) {
    const std::optional<engine::Sampled> token = TRY(stream.next());
    if (reply.completion_tokens == 0) reply.first_token_seconds = seconds_since(start);
    if (!token) break;
    reply.total_seconds = seconds_since(start);
    ++reply.completion_tokens;
    hand_on(text.push(token->id));
    if (text.stopped()) {
      stream.cancel();
      break;
    }
  }
  hand_on(text.finish());
  if (!text.stopped()) {
    CHECK(stream.finish().has_value());
    reply.finish = stream.finish()->reason;
  }
  return reply;
}

}  // namespace sotto::cmd

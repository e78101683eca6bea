// From messages to a prompt, and from tokens to an answer.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/assistant.h"

#include <algorithm>
#include <chrono>
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

Result<std::unique_ptr<Assistant>> Assistant::open(const AssistantOptions& options) {
  const Clock::time_point start = Clock::now();
  engine::EngineOptions engine_options;
  engine_options.sequences_max = 1;
  engine_options.queue_max = 1;
  engine_options.context = options.context;
  engine_options.kv_type = options.kv_type;
  engine_options.speculation = options.speculation;
  std::unique_ptr<Assistant> self(new Assistant);
  self->host_ =
      TRY(engine::Host::open(TRY(open_model(options.model)), options.threads, engine_options,
                             kContextDefaultMax, terminal_progress("loading")));
  self->load_seconds_ = seconds_since(start);
  return self;
}

Result<Reply> Assistant::answer(Prompt prompt, const AnswerSettings& settings,
                                Interrupts& interrupts,
                                FunctionRef<void(const text::AnswerPiece&)> on_piece) {
  const Clock::time_point start = Clock::now();
  Reply reply;
  reply.prompt_tokens = static_cast<uint32_t>(prompt.ids.size());
  engine::Answer text(host_->tokenizer(), {.stop_strings = settings.stops,
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
  request.stop_tokens = host_->end_tokens();
  engine::TokenStream stream = TRY(host_->engine().submit(std::move(request)));
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

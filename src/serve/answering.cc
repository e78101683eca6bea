// Submitting, waiting without a thread, and turning tokens into text.
// SPDX-License-Identifier: Apache-2.0
#include "serve/answering.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sotto::serve {

namespace asio = boost::asio;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

api::ApiResult<void> check_length(const engine::Prompt& prompt, uint32_t tokens_max,
                                  const engine::Engine& engine) {
  const uint64_t context = engine.options().context;
  const uint64_t wanted = prompt.ids.size() + std::max(tokens_max, 1u);
  if (wanted <= context) return {};
  return std::unexpected(api::ApiError{
      400, "context_length_exceeded", "messages",
      fmt::format("this model's context has {} tokens: the prompt's {} and {} to generate are {}",
                  context, prompt.ids.size(), std::max(tokens_max, 1u), wanted)});
}

}  // namespace

Answering::Answering(asio::any_io_executor executor, engine::Host& host,
                     const api::Generation& generation)
    : host_(host),
      logprobs_(generation.logprobs),
      wake_(std::make_shared<asio::steady_timer>(std::move(executor))) {}

api::ApiResult<std::unique_ptr<Answering>> Answering::begin(asio::any_io_executor executor,
                                                            engine::Host& host,
                                                            std::span<const engine::Prompt> prompts,
                                                            const api::Generation& generation,
                                                            const engine::SamplingParams& base,
                                                            uint64_t seed, uint64_t tenant) {
  for (const engine::Prompt& prompt : prompts) {
    TRY(check_length(prompt, generation.tokens_max, host.engine()));
  }
  std::unique_ptr<Answering> self(new Answering(std::move(executor), host, generation));
  for (const engine::Prompt& prompt : prompts) {
    for (uint32_t choice = 0; choice < generation.choices; ++choice) {
      const auto index = static_cast<uint32_t>(self->streams_.size());
      engine::Request request;
      request.prompt = prompt.ids;
      request.tenant = tenant;
      request.tokens_max = generation.tokens_max;
      request.sampling = generation.sampling(base, seed);
      request.sampling.seed += index;
      request.stop_tokens = host.end_tokens();
      Result<engine::TokenStream> tokens = host.engine().submit(std::move(request));
      if (!tokens) return std::unexpected(api::from_error(tokens.error(), ""));
      engine::AnswerOptions options;
      options.stop_strings = generation.stops;
      options.split_reasoning = host.has_template();
      options.reasoning_is_open = prompt.in_reasoning;
      self->streams_.push_back(
          Stream{index, std::move(*tokens), engine::Answer(host.tokenizer(), options), false});
    }
    self->usage_.prompt_tokens += prompt.ids.size();
  }
  return self;
}

void Answering::push(Stream& stream, const engine::Sampled& token, api::Choice& piece) {
  if (usage_.completion_tokens == 0) first_token_time_ = std::chrono::steady_clock::now() - begun_;
  ++usage_.completion_tokens;
  const bool thinking = stream.text.thinking();
  usage_.reasoning_tokens += thinking ? 1 : 0;
  if (logprobs_ && !thinking)
    piece.logprobs.push_back(api::token_logprob(host_.tokenizer(), token));
  const text::AnswerPiece text = stream.text.push(token.id);
  piece.reasoning += text.reasoning;
  piece.content += text.content;
}

void Answering::end(Stream& stream, api::Choice& piece, const char* reason) {
  const text::AnswerPiece rest = stream.text.finish();
  piece.reasoning += rest.reasoning;
  piece.content += rest.content;
  piece.finish_reason = reason;
  stream.over = true;
}

// What there is to say of one choice now; nothing is added when that is nothing.
api::ApiResult<void> Answering::advance(Stream& stream, std::vector<api::Choice>& pieces) {
  tokens_.clear();
  const Result<bool> over = stream.tokens.take(tokens_);
  if (!over) return std::unexpected(api::from_error(over.error(), ""));
  api::Choice piece;
  piece.index = stream.index;
  for (const engine::Sampled& token : tokens_) {
    push(stream, token, piece);
    if (!stream.text.stopped()) continue;
    stream.tokens.cancel();  // what follows a stop string is not part of the answer
    end(stream, piece, "stop");
    break;
  }
  if (!stream.over && *over) {
    const engine::Finish& finish = *stream.tokens.finish();
    queue_time_ = std::max<std::chrono::duration<double>>(queue_time_, finish.queue_time);
    end(stream, piece, finish.reason == engine::FinishReason::length ? "length" : "stop");
  }
  const bool news =
      !piece.reasoning.empty() || !piece.content.empty() || !piece.logprobs.empty() || stream.over;
  if (news) pieces.push_back(std::move(piece));
  return {};
}

Awaitable<api::ApiResult<std::vector<api::Choice>>> Answering::next() {
  std::vector<api::Choice> pieces;
  for (;;) {
    bool all_over = true;
    for (Stream& stream : streams_) {
      if (stream.over) continue;
      const api::ApiResult<void> advanced = advance(stream, pieces);
      if (!advanced) co_return std::unexpected(advanced.error());
      all_over = all_over && stream.over;
    }
    if (!pieces.empty() || all_over) co_return pieces;
    // The news comes on the engine's thread and is posted, so it cannot come before the wait.
    wake_->expires_at(asio::steady_timer::time_point::max());
    for (Stream& stream : streams_) {
      if (stream.over) continue;
      stream.tokens.on_ready(
          [wake = wake_] { asio::post(wake->get_executor(), [wake] { wake->cancel(); }); });
    }
    co_await wake_->async_wait(kAwait);
  }
}

void Answering::cancel() {
  for (Stream& stream : streams_) {
    if (!stream.over) stream.tokens.cancel();
  }
}

}  // namespace sotto::serve

// Submitting, waiting without a thread, and turning tokens into text.
// SPDX-License-Identifier: Apache-2.0
#include "serve/answering.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "crypto/random.h"

namespace sotto::serve {

namespace asio = boost::asio;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace

api::ApiResult<void> check_length(const engine::Engine& engine, uint64_t prompt_tokens,
                                  uint64_t tokens_max, const std::string& field) {
  const uint64_t context = engine.options().context;
  if (prompt_tokens + tokens_max <= context) return {};
  return std::unexpected(api::ApiError{
      400, "context_length_exceeded", field,
      fmt::format("this model's context has {} tokens: the prompt's {} and {} to generate are {}",
                  context, prompt_tokens, tokens_max, prompt_tokens + tokens_max)});
}

// The news comes on the engine's thread and is posted, so it cannot come before the wait.
void Wake::listen(engine::TokenStream& stream) const {
  stream.on_ready(
      [timer = timer_] { asio::post(timer->get_executor(), [timer] { timer->cancel(); }); });
}

Awaitable<void> Wake::wait() {
  co_await timer_->async_wait(kAwait);
}

Answering::Answering(asio::any_io_executor executor, engine::Host& host, const Question& question)
    : host_(host),
      logprobs_(question.generation.logprobs),
      parallel_calls_(question.parallel_calls),
      wake_(std::move(executor)) {}

api::ApiResult<std::unique_ptr<Answering>> Answering::begin(asio::any_io_executor executor,
                                                            engine::Host& host,
                                                            const Question& question) {
  const uint32_t tokens_max = std::max(question.generation.tokens_max, 1u);
  for (const engine::Prompt& prompt : question.prompts) {
    TRY(check_length(host.engine(), prompt.ids.size(), tokens_max, question.prompt_field));
  }
  std::unique_ptr<Answering> self(new Answering(std::move(executor), host, question));
  for (const engine::Prompt& prompt : question.prompts) {
    for (uint32_t choice = 0; choice < question.generation.choices; ++choice) {
      TRY(self->submit(question, prompt));
    }
    self->usage_.prompt_tokens += prompt.ids.size();
  }
  return self;
}

api::ApiResult<void> Answering::submit(const Question& question, const engine::Prompt& prompt) {
  const auto index = static_cast<uint32_t>(streams_.size());
  engine::Request request;
  request.prompt = prompt.ids;
  request.tenant = question.tenant;
  request.tokens_max = question.generation.tokens_max;
  request.sampling = question.generation.sampling(question.base, question.seed);
  request.sampling.seed += index;
  request.stop_tokens = host_.end_tokens();
  if (question.rules.any()) {
    engine::AnswerRules rules = question.rules;
    rules.thinking = prompt.in_reasoning;
    rules.may_think = prompt.may_reason;
    request.constraint = std::make_shared<engine::AnswerConstraint>(
        host_.tokenizer(), std::move(rules), host_.end_tokens());
  }
  Result<engine::TokenStream> tokens = host_.engine().submit(std::move(request));
  if (!tokens) return std::unexpected(api::from_error(tokens.error(), ""));
  engine::AnswerOptions options;
  options.stop_strings = question.generation.stops;
  options.split_reasoning = host_.prompts().has_template();
  options.reasoning_is_open = prompt.in_reasoning;
  if (question.calls) {
    for (const std::string_view marker : text::tool_markers(*question.calls)) {
      if (const auto id = host_.tokenizer().find(marker)) options.shown.push_back(*id);
    }
  }
  Stream stream{index, std::move(*tokens), engine::Answer(host_.tokenizer(), options), {}};
  if (question.calls) stream.splitter.emplace(*question.calls);
  stream.first_of_prompt = index % question.generation.choices == 0;
  streams_.push_back(std::move(stream));
  return {};
}

void Answering::push(Stream& stream, const engine::Sampled& token, api::Choice& piece) {
  if (usage_.completion_tokens == 0) first_token_time_ = std::chrono::steady_clock::now() - begun_;
  ++usage_.completion_tokens;
  const bool thinking = stream.text.thinking();
  usage_.reasoning_tokens += thinking ? 1 : 0;
  if (logprobs_ && !thinking) {
    piece.logprobs.push_back(api::token_logprob(host_.tokenizer(), token));
  }
  add(stream, stream.text.push(token.id), piece, false);
}

// Text and calls; `last`: with what was held back.
void Answering::add(Stream& stream, const text::AnswerPiece& text, api::Choice& piece, bool last) {
  piece.reasoning += text.reasoning;
  if (!stream.splitter) {
    piece.content += text.content;
    return;
  }
  text::ToolPiece found = stream.splitter->push(text.content);
  if (last) {
    text::ToolPiece rest = stream.splitter->finish();
    found.content += rest.content;
    found.calls.insert(found.calls.end(), rest.calls.begin(), rest.calls.end());
  }
  piece.content += found.content;
  for (text::ToolCall& call : found.calls) {
    if (!parallel_calls_ && stream.calls > 0) break;
    if (piece.calls.empty()) piece.calls_before = stream.calls;
    ++stream.calls;
    piece.calls.push_back({fmt::format("call_{:016x}", crypto::random_u64()), std::move(call.name),
                           std::move(call.arguments)});
  }
}

void Answering::end(Stream& stream, api::Choice& piece, const char* reason) {
  add(stream, stream.text.finish(), piece, true);
  piece.finish_reason = stream.calls > 0 ? "tool_calls" : reason;
  stream.over = true;
}

// What there is to say of one choice now; nothing is added when that is nothing.
api::ApiResult<void> Answering::advance(Stream& stream, std::vector<api::Choice>& pieces) {
  tokens_.clear();
  const Result<bool> over = stream.tokens.take(tokens_);
  if (!over) return std::unexpected(api::from_error(over.error(), ""));
  const uint32_t cached = stream.tokens.cached_tokens();
  // A prompt counts once, and what its first choice found is what was there before.
  if (stream.first_of_prompt) usage_.cached_tokens += cached - stream.cached_tokens;
  stream.cached_tokens = cached;
  api::Choice piece;
  piece.index = stream.index;
  for (const engine::Sampled& token : tokens_) {
    push(stream, token, piece);
    const bool called = !parallel_calls_ && stream.calls > 0;
    if (!stream.text.stopped() && !called) continue;
    stream.tokens.cancel();  // what follows is not part of the answer
    end(stream, piece, "stop");
    break;
  }
  if (!stream.over && *over) {
    const engine::Finish& finish = *stream.tokens.finish();
    queue_time_ = std::max<std::chrono::duration<double>>(queue_time_, finish.queue_time);
    end(stream, piece, finish.reason == engine::FinishReason::length ? "length" : "stop");
  }
  const bool news = !piece.reasoning.empty() || !piece.content.empty() || !piece.calls.empty() ||
                    !piece.logprobs.empty() || stream.over;
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
    wake_.prepare();
    for (Stream& stream : streams_) {
      if (!stream.over) wake_.listen(stream.tokens);
    }
    co_await wake_.wait();
  }
}

void Answering::cancel() {
  for (Stream& stream : streams_) {
    if (!stream.over) stream.tokens.cancel();
  }
}

}  // namespace sotto::serve

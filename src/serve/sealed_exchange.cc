// Pieces of binary HTTP into chunks.
// SPDX-License-Identifier: Apache-2.0
#include "serve/sealed_exchange.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "api/sse.h"
#include "base/check.h"
#include "channel/binary_http.h"

namespace sotto::serve {

namespace asio = boost::asio;
using channel::Form;
using channel::Padding;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kBeat{50};
constexpr size_t kWaitingBytesMax = 256 << 10;  // for the next beat; then the handler waits

bool is_events(const HttpAnswer& answer) {
  for (const auto& [name, value] : answer.fields) {
    if (name == "content-type") return value == api::kSseType;
  }
  return false;
}

HttpAnswer outer_answer(Form form, std::string body) {
  HttpAnswer answer;
  answer.fields.emplace_back("content-type", std::string(channel::response_type(form)));
  answer.fields.emplace_back("cache-control", "no-store");
  answer.body = std::move(body);
  return answer;
}

std::string text_of(Bytes bytes) {
  return std::string(as_text(bytes));
}

}  // namespace

struct SealedExchange::Beat {
  explicit Beat(asio::any_io_executor executor)
      : timer(executor), news(std::move(executor), asio::steady_timer::time_point::max()) {}
  asio::steady_timer timer;  // of the beats
  asio::steady_timer news;   // cancelled when there is room again, or all has gone out
  std::string waiting;
  bool over = false;   // nothing more will be written
  bool ended = false;  // the coroutine has
  Result<void> sent;
};

SealedExchange::SealedExchange(Exchange& outer, channel::GatewayExchange gateway, Form form,
                               Padding padding)
    : outer_(outer), gateway_(std::move(gateway)), form_(form), padding_(padding) {}

// In as many chunks as it takes.
std::string SealedExchange::seal(std::string_view content, bool last) {
  std::string out;
  while (content.size() > channel::kChunkBytesMax) {
    const std::string_view part = content.substr(0, channel::kChunkBytesMax);
    out += text_of(gateway_.seal_chunk(as_bytes(part), false));
    content.remove_prefix(part.size());
  }
  if (last || !content.empty()) out += text_of(gateway_.seal_chunk(as_bytes(content), last));
  return out;
}

std::string SealedExchange::padded(std::string piece) const {
  if (!events_ || piece.empty()) return piece;
  return channel::pad_events(std::move(piece), padding_);
}

Awaitable<Result<void>> SealedExchange::send_whole(std::vector<uint8_t> message) {
  // Zeros behind the end are binary HTTP's own padding.
  const uint64_t size = message.size() + channel::encode_end(0).size();
  const uint64_t padding = padding_ == Padding::off ? 0 : channel::bucket_of(size) - size;
  const std::vector<uint8_t> end = channel::encode_end(padding);
  message.insert(message.end(), end.begin(), end.end());
  std::string body = form_ == Form::whole ? text_of(gateway_.seal_response(message))
                                          : seal(as_text(message), true);
  HttpAnswer answer = outer_answer(form_, std::move(body));
  co_return co_await outer_.send(std::move(answer));
}

Awaitable<Result<void>> SealedExchange::send(HttpAnswer answer) {
  CHECK(!answered_);
  answered_ = true;
  std::vector<uint8_t> message = channel::encode_head(answer.status, answer.fields);
  const std::vector<uint8_t> content = channel::encode_content(answer.body);
  message.insert(message.end(), content.begin(), content.end());
  co_return co_await send_whole(std::move(message));
}

Awaitable<Result<void>> SealedExchange::start(HttpAnswer answer) {
  CHECK(!answered_);
  answered_ = true;
  events_ = is_events(answer);
  std::vector<uint8_t> head = channel::encode_head(answer.status, answer.fields);
  const std::string body = form_ == Form::chunked ? padded(std::move(answer.body)) : answer.body;
  const std::vector<uint8_t> content = channel::encode_content(body);
  head.insert(head.end(), content.begin(), content.end());
  if (form_ == Form::whole) {
    message_ = std::move(head);
    co_return Result<void>();
  }
  HttpAnswer outer = outer_answer(form_, seal(as_text(head), false));
  const Result<void> started = co_await outer_.start(std::move(outer));
  if (started && events_ && padding_ == Padding::cadence) {
    beat_ = std::make_shared<Beat>(outer_.executor());
    asio::co_spawn(outer_.executor(), beat(beat_, this), asio::detached);
  }
  co_return started;
}

// One piece a beat, whether there is something to say or not. Over before finish() or settle() is.
Awaitable<void> SealedExchange::beat(std::shared_ptr<Beat> state, SealedExchange* self) {
  auto next = std::chrono::steady_clock::now();
  while (state->sent && !(state->over && state->waiting.empty())) {
    next += kBeat;
    state->timer.expires_at(next);
    co_await state->timer.async_wait(kAwait);
    if (!state->sent) break;
    std::string piece;
    piece.swap(state->waiting);
    const std::string events = channel::pad_events(std::move(piece), Padding::cadence);
    std::string sealed = self->seal(as_text(channel::encode_content(events)), false);
    state->sent = co_await self->outer_.write(std::move(sealed));
    state->news.cancel();
  }
  state->ended = true;
  state->news.cancel();
}

Awaitable<void> SealedExchange::settle() {
  if (beat_ == nullptr || beat_->ended) co_return;
  beat_->sent = fail(ErrorKind::cancelled, "the answer was given up");
  beat_->timer.cancel();
  while (!beat_->ended) co_await beat_->news.async_wait(kAwait);
}

Awaitable<Result<void>> SealedExchange::write(std::string piece) {
  if (form_ == Form::whole) {
    const std::vector<uint8_t> content = channel::encode_content(piece);
    message_.insert(message_.end(), content.begin(), content.end());
    co_return Result<void>();
  }
  if (beat_ != nullptr) {
    while (beat_->sent && beat_->waiting.size() > kWaitingBytesMax) {
      co_await beat_->news.async_wait(kAwait);
    }
    beat_->waiting += piece;
    co_return beat_->sent;
  }
  const std::vector<uint8_t> content = channel::encode_content(padded(std::move(piece)));
  std::string sealed = seal(as_text(content), false);
  co_return co_await outer_.write(std::move(sealed));
}

Awaitable<Result<void>> SealedExchange::finish() {
  if (form_ == Form::whole) co_return co_await send_whole(std::move(message_));
  if (beat_ != nullptr) {
    beat_->over = true;
    while (!beat_->ended) co_await beat_->news.async_wait(kAwait);
    if (!beat_->sent) co_return beat_->sent;
  }
  std::string last = seal(as_text(channel::encode_end(0)), true);
  const Result<void> written = co_await outer_.write(std::move(last));
  if (!written) co_return written;
  co_return co_await outer_.finish();
}

}  // namespace sotto::serve

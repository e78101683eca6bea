// The consumer's end of a request: reading, cancelling, and what is left when the engine is gone.
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/check.h"
#include "engine/stream_state.h"

namespace sotto::engine {

void TokenStream::State::push(Sampled token) {
  unread.push_back(std::move(token));
  ++delivered;
  announce();
}

void TokenStream::State::end(Finish how) {
  how.generated_tokens = delivered;
  finish = how;
  announce();
}

void TokenStream::State::end(Error why) {
  error = std::move(why);
  announce();
}

void TokenStream::State::announce() {
  readable.notify_all();
  if (on_ready == nullptr) return;
  const std::function<void()> callback = std::exchange(on_ready, nullptr);
  callback();
}

TokenStream::TokenStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
TokenStream::TokenStream(TokenStream&&) noexcept = default;

TokenStream& TokenStream::operator=(TokenStream&& other) noexcept {
  std::swap(state_, other.state_);  // `other` cancels what was here when it goes
  return *this;
}

TokenStream::~TokenStream() {
  if (state_ != nullptr) cancel();
}

Result<std::optional<Sampled>> TokenStream::next() {
  CHECK(state_ != nullptr);
  State& state = *state_;
  std::unique_lock lock(state.hub->mutex);
  state.readable.wait(lock, [&] { return !state.unread.empty() || state.ended(); });
  if (!state.unread.empty()) {
    const bool paused = state.full();
    std::optional<Sampled> token = std::move(state.unread.front());
    state.unread.pop_front();
    if (paused) state.hub->work.notify_one();
    return token;
  }
  if (state.error.has_value()) return std::unexpected(*state.error);
  state.reported = state.finish;
  return std::optional<Sampled>();
}

Result<bool> TokenStream::take(SecretVector<Sampled>& tokens) {
  CHECK(state_ != nullptr);
  State& state = *state_;
  const std::lock_guard lock(state.hub->mutex);
  if (state.full()) state.hub->work.notify_one();
  for (Sampled& token : state.unread) tokens.push_back(std::move(token));
  const bool took = !state.unread.empty();
  state.unread.clear();
  if (state.error.has_value() && !took) return std::unexpected(*state.error);
  if (!state.finish.has_value()) return false;
  state.reported = state.finish;
  return true;
}

void TokenStream::on_ready(std::function<void()> callback) {
  CHECK(state_ != nullptr);
  State& state = *state_;
  const std::lock_guard lock(state.hub->mutex);
  if (callback != nullptr && (!state.unread.empty() || state.ended())) return callback();
  state.on_ready = std::move(callback);
}

void TokenStream::cancel() {
  CHECK(state_ != nullptr);
  State& state = *state_;
  const std::lock_guard lock(state.hub->mutex);
  if (state.cancelled) return;
  state.cancelled = true;
  const uint32_t dropped = static_cast<uint32_t>(state.unread.size());
  state.unread.clear();
  state.delivered -= dropped;
  if (state.finish.has_value() && dropped > 0) {
    // The answer was complete, but its consumer did not want all of it.
    state.finish->reason = FinishReason::cancelled;
    state.finish->generated_tokens = state.delivered;
  }
  state.hub->work.notify_one();
}

uint32_t TokenStream::cached_tokens() const {
  const std::lock_guard lock(state_->hub->mutex);
  return state_->cached_tokens;
}

const std::optional<Finish>& TokenStream::finish() const {
  CHECK(state_ != nullptr);
  return state_->reported;
}

}  // namespace sotto::engine

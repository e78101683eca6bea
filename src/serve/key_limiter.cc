// Token buckets.
// SPDX-License-Identifier: Apache-2.0
#include "serve/key_limiter.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sotto::serve {

KeyLimiter::Lease& KeyLimiter::Lease::operator=(Lease&& other) noexcept {
  std::swap(limiter_, other.limiter_);
  std::swap(name_, other.name_);
  return *this;
}

KeyLimiter::Lease::~Lease() {
  if (limiter_ != nullptr) limiter_->release(name_);
}

void KeyLimiter::Bucket::refill(uint64_t per_minute, Clock::time_point now) {
  const auto most = static_cast<double>(per_minute);
  const double seconds = std::chrono::duration<double>(now - at).count();
  left = filled ? std::min(most, left + most / 60 * std::max(seconds, 0.0)) : most;
  filled = true;
  at = now;
}

uint32_t KeyLimiter::Bucket::seconds_until(double wanted, uint64_t per_minute) const {
  const double seconds = (wanted - left) * 60 / static_cast<double>(per_minute);
  return static_cast<uint32_t>(std::clamp(std::ceil(seconds), 1.0, 3600.0));
}

std::expected<KeyLimiter::Lease, KeyLimiter::Refusal> KeyLimiter::admit(const ApiKey& key,
                                                                        Clock::time_point now) {
  const KeyLimits& limits = key.limits;
  const std::lock_guard lock(mutex_);
  State& state = states_[key.name];
  if (limits.streams != 0 && state.streams >= limits.streams) {
    return std::unexpected(
        Refusal{fmt::format("this key may have {} requests at once", limits.streams), 1});
  }
  if (limits.tokens_per_minute != 0) {
    state.tokens.refill(limits.tokens_per_minute, now);
    if (state.tokens.left <= 0) {
      return std::unexpected(
          Refusal{fmt::format("this key may use {} tokens per minute", limits.tokens_per_minute),
                  state.tokens.seconds_until(1, limits.tokens_per_minute)});
    }
  }
  if (limits.requests_per_minute != 0) {
    state.requests.refill(limits.requests_per_minute, now);
    if (state.requests.left < 1) {
      return std::unexpected(Refusal{
          fmt::format("this key may make {} requests per minute", limits.requests_per_minute),
          state.requests.seconds_until(1, limits.requests_per_minute)});
    }
    state.requests.left -= 1;
  }
  ++state.streams;
  Lease lease;
  lease.limiter_ = this;
  lease.name_ = key.name;
  return lease;
}

void KeyLimiter::spend(const ApiKey& key, uint64_t tokens, Clock::time_point now) {
  if (key.limits.tokens_per_minute == 0) return;
  const std::lock_guard lock(mutex_);
  State& state = states_[key.name];
  state.tokens.refill(key.limits.tokens_per_minute, now);
  state.tokens.left -= static_cast<double>(tokens);
}

void KeyLimiter::release(const std::string& name) {
  const std::lock_guard lock(mutex_);
  --states_[name].streams;
}

}  // namespace sotto::serve

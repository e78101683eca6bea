// Holds each key to its limits: requests and tokens per minute, requests at once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "serve/keys.h"

namespace sotto::serve {

// May be used from any thread; leases must end before it does.
class KeyLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  // One request of a key, while it is answered.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept { *this = std::move(other); }
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();

   private:
    friend class KeyLimiter;
    KeyLimiter* limiter_ = nullptr;
    std::string name_;
  };

  struct Refusal {
    std::string message;  // which limit
    uint32_t retry_after_seconds;
  };

  // Counts the request in, or says which limit it meets.
  std::expected<Lease, Refusal> admit(const ApiKey& key, Clock::time_point now);
  // What the answer took: more than the minute's tokens is paid back by the minutes after.
  void spend(const ApiKey& key, uint64_t tokens, Clock::time_point now);

 private:
  // What is left of a minute's worth, refilled evenly.
  struct Bucket {
    double left = 0;
    Clock::time_point at{};
    bool filled = false;
    void refill(uint64_t per_minute, Clock::time_point now);
    uint32_t seconds_until(double wanted, uint64_t per_minute) const;
  };
  struct State {
    Bucket requests, tokens;
    uint64_t streams = 0;
  };

  void release(const std::string& name);

  std::mutex mutex_;
  std::map<std::string, State> states_;  // by the key's name
};

}  // namespace sotto::serve

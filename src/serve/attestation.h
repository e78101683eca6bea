// GET /attestation: evidence for whoever asks, made on a thread of its own and no faster than it may.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/error.h"
#include "attest/node/node.h"
#include "serve/http.h"

namespace sotto::serve {

class AttestationDesk {
 public:
  using Clock = std::chrono::steady_clock;
  // Hardware makes a few quotes a second, and everybody may ask: at most so many at once, then 429.
  static constexpr double kFreshPerSecond = 8;
  static constexpr double kFreshAtOnce = 32;

  // The node must outlive the desk.
  explicit AttestationDesk(attest::Node& node) : node_(node) {}
  ~AttestationDesk() { pool_.join(); }

  // The bundle as JSON. `query` is empty or "nonce=" and 16 to 64 bytes in hexadecimal.
  Awaitable<api::ApiResult<std::string>> answer(std::string query);

 private:
  Awaitable<Result<std::string>> make(std::vector<uint8_t> nonce);
  bool may_make(Clock::time_point now);

  attest::Node& node_;
  boost::asio::thread_pool pool_{1};
  std::mutex mutex_;
  double allowance_ = kFreshAtOnce;
  Clock::time_point counted_ = Clock::now();
};

}  // namespace sotto::serve

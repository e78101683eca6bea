// Reading the question, and waiting elsewhere.
// SPDX-License-Identifier: Apache-2.0
#include "serve/attestation.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ctime>

#include "base/text_encoding.h"

namespace sotto::serve {

using api::ApiError;
using api::ApiResult;

namespace {

ApiResult<std::vector<uint8_t>> nonce_of(std::string_view query) {
  if (query.empty()) return std::vector<uint8_t>();
  constexpr std::string_view kName = "nonce=";
  const bool named = query.starts_with(kName);
  Result<std::vector<uint8_t>> nonce = bytes_of_hex(named ? query.substr(kName.size()) : "");
  const bool good = named && nonce && nonce->size() >= attest::kNonceBytesMin &&
                    nonce->size() <= attest::kNonceBytesMax;
  if (good) return std::move(*nonce);
  return std::unexpected(ApiError{400, "invalid_request_error", "nonce",
                                  "the query is nothing or nonce=HEX, 16 to 64 bytes"});
}

}  // namespace

Awaitable<ApiResult<std::string>> AttestationDesk::answer(std::string query) {
  ApiResult<std::vector<uint8_t>> nonce = nonce_of(query);
  if (!nonce) co_return std::unexpected(nonce.error());
  if (!nonce->empty() && !may_make(Clock::now())) {
    co_return std::unexpected(ApiError{429, "rate_limit_exceeded", "",
                                       "too many ask for fresh evidence; without a nonce there is "
                                       "evidence that was made before",
                                       1});
  }
  Result<std::string> made = co_await boost::asio::co_spawn(
      pool_.get_executor(), make(std::move(*nonce)), boost::asio::use_awaitable);
  if (made) co_return std::move(*made);
  co_return std::unexpected(ApiError{503, "attestation_unavailable", "", made.error().message, 5});
}

Awaitable<Result<std::string>> AttestationDesk::make(std::vector<uint8_t> nonce) {
  co_return node_.bundle(nonce, std::time(nullptr));
}

bool AttestationDesk::may_make(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const std::chrono::duration<double> passed = now - counted_;
  counted_ = now;
  allowance_ = std::min(kFreshAtOnce, allowance_ + passed.count() * kFreshPerSecond);
  if (allowance_ < 1) return false;
  allowance_ -= 1;
  return true;
}

}  // namespace sotto::serve

// Fuzzes parse_jws(), parse_token_keys() and the reading of each service's tokens: no input may crash
// them, and none is believed without a signature.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attest/token/jws.h"
#include "attest/token/keys.h"
#include "attest/token/verify.h"
#include "base/check.h"

using namespace sotto;
using namespace sotto::attest;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Roots roots = Roots::pinned();
  const Bytes bytes(data, size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto jws = token::parse_jws(text)) {
    CHECK(jws->signing_input.size() + jws->signature.size() < size);
    CHECK(jws->payload.size() <= token::kPayloadBytesMax);
  }
  if (const auto keys = token::parse_token_keys(bytes)) {
    CHECK(!keys->empty() && keys->size() <= token::kKeysMax);
  }
  constexpr int64_t kTime = 1'780'000'000;
  CHECK(!token::verify_nras_token(bytes, {}, roots, kTime).has_value());
  CHECK(!token::verify_google_cs_token(bytes, {}, roots, kTime).has_value());
  return 0;
}

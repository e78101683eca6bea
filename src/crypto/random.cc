// OpenSSL's generator and its comparison.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstring>

#include "base/check.h"

namespace sotto::crypto {

void fill_random(std::span<uint8_t> out) {
  CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

uint64_t random_u64() {
  uint8_t bytes[8];
  fill_random(bytes);
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

bool equal_secrets(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sotto::crypto

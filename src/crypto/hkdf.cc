// HMAC, by OpenSSL.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/hkdf.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "base/check.h"

namespace sotto::crypto {
namespace {

Secret hmac(Bytes key, Bytes message) {
  Secret out(kHkdfBytes);
  unsigned size = 0;
  const uint8_t none = 0;  // OpenSSL takes no key of no bytes at a null pointer
  CHECK(HMAC(EVP_sha256(), key.empty() ? &none : key.data(), static_cast<int>(key.size()),
             message.data(), message.size(), out.data(), &size) != nullptr);
  CHECK(size == out.size());
  return out;
}

}  // namespace

Secret hkdf_extract(Bytes salt, Bytes secret) {
  return hmac(salt, secret);
}

Secret hkdf_expand(Bytes pseudorandom_key, Bytes info, size_t size) {
  CHECK(size <= kHkdfExpandBytesMax);
  Secret out;
  Secret block;
  for (uint8_t counter = 1; out.size() < size; ++counter) {
    Secret message = block;
    message.insert(message.end(), info.begin(), info.end());
    message.push_back(counter);
    block = hmac(pseudorandom_key, message);
    const size_t more = std::min(block.size(), size - out.size());
    out.insert(out.end(), block.begin(), block.begin() + static_cast<ptrdiff_t>(more));
  }
  return out;
}

}  // namespace sotto::crypto

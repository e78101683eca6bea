// Key agreement on Curve25519 [RFC7748].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "crypto/hkdf.h"

// OpenSSL's own forward declaration, so that its headers stay inside crypto/.
typedef struct evp_pkey_st EVP_PKEY;  // NOLINT(modernize-use-using)

namespace sotto::crypto {

using X25519Public = std::array<uint8_t, 32>;

// A private key; copies share it, OpenSSL wipes it with the last.
class X25519Key {
 public:
  static X25519Key generate();
  static X25519Key from_private(const std::array<uint8_t, 32>& bytes);

  const X25519Public& public_bytes() const { return public_; }
  // 32 bytes. `malformed` for a peer whose key gives all zeros, whatever ours is [RFC7748 §6.1].
  Result<Secret> agree(const X25519Public& peer) const;

 private:
  explicit X25519Key(EVP_PKEY* key);

  std::shared_ptr<EVP_PKEY> key_;
  X25519Public public_{};
};

}  // namespace sotto::crypto

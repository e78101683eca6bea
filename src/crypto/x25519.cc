// OpenSSL's X25519.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/x25519.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace sotto::crypto {

X25519Key::X25519Key(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {
  CHECK(key != nullptr);
  size_t size = public_.size();
  CHECK(EVP_PKEY_get_raw_public_key(key, public_.data(), &size) == 1 && size == public_.size());
}

X25519Key X25519Key::generate() {
  return X25519Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
}

X25519Key X25519Key::from_private(const std::array<uint8_t, 32>& bytes) {
  return X25519Key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, bytes.data(), bytes.size()));
}

Result<Secret> X25519Key::agree(const X25519Public& peer) const {
  EVP_PKEY* other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size());
  CHECK(other != nullptr);  // every 32 bytes are one
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key_.get(), nullptr);
  CHECK(context != nullptr && EVP_PKEY_derive_init(context) == 1);
  CHECK(EVP_PKEY_derive_set_peer(context, other) == 1);
  Secret secret(32);
  size_t size = secret.size();
  // OpenSSL refuses a result of zeros itself.
  const bool derived = EVP_PKEY_derive(context, secret.data(), &size) == 1;
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(other);
  uint8_t any = 0;
  for (uint8_t byte : secret) any |= byte;
  if (!derived || any == 0) {
    return fail(ErrorKind::malformed, "X25519: a public key of small order");
  }
  CHECK(size == secret.size());
  return secret;
}

}  // namespace sotto::crypto

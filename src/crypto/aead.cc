// The same calls of OpenSSL for all three.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <openssl/evp.h>

#include <memory>

#include "base/check.h"

namespace sotto::crypto {
namespace {

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const EVP_CIPHER* cipher_of(AeadId id) {
  switch (id) {
    case AeadId::aes_128_gcm:
      return EVP_aes_128_gcm();
    case AeadId::aes_256_gcm:
      return EVP_aes_256_gcm();
    case AeadId::chacha20_poly1305:
      return EVP_chacha20_poly1305();
  }
  return nullptr;
}

// With key, nonce and additional data.
Context begin(AeadId id, Bytes key, const AeadNonce& nonce, Bytes aad, bool seal) {
  CHECK(key.size() == aead_key_bytes(id));
  Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  CHECK(context != nullptr);
  CHECK(EVP_CipherInit_ex(context.get(), cipher_of(id), nullptr, key.data(), nonce.data(),
                          seal ? 1 : 0) == 1);
  int size = 0;
  if (!aad.empty()) {
    CHECK(EVP_CipherUpdate(context.get(), nullptr, &size, aad.data(),
                           static_cast<int>(aad.size())) == 1);
  }
  return context;
}

}  // namespace

std::string_view to_string(AeadId id) {
  switch (id) {
    case AeadId::aes_128_gcm:
      return "AES-128-GCM";
    case AeadId::aes_256_gcm:
      return "AES-256-GCM";
    case AeadId::chacha20_poly1305:
      return "ChaCha20-Poly1305";
  }
  return "?";
}

size_t aead_key_bytes(AeadId id) {
  return id == AeadId::aes_128_gcm ? 16 : 32;
}

std::vector<uint8_t> aead_seal(AeadId id, Bytes key, const AeadNonce& nonce, Bytes aad,
                               Bytes plaintext) {
  const Context context = begin(id, key, nonce, aad, true);
  CHECK(plaintext.size() <= INT32_MAX);
  std::vector<uint8_t> sealed(plaintext.size() + kAeadTagBytes);
  int size = 0;
  if (!plaintext.empty()) {
    CHECK(EVP_CipherUpdate(context.get(), sealed.data(), &size, plaintext.data(),
                           static_cast<int>(plaintext.size())) == 1);
  }
  int more = 0;
  CHECK(EVP_CipherFinal_ex(context.get(), sealed.data() + size, &more) == 1);
  CHECK(static_cast<size_t>(size) + static_cast<size_t>(more) == plaintext.size());
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes,
                            sealed.data() + plaintext.size()) == 1);
  return sealed;
}

Result<Secret> aead_open(AeadId id, Bytes key, const AeadNonce& nonce, Bytes aad, Bytes sealed) {
  if (sealed.size() < kAeadTagBytes || sealed.size() > INT32_MAX) {
    return fail(ErrorKind::untrusted, "sealed bytes: {} of them cannot be authentic",
                sealed.size());
  }
  const Context context = begin(id, key, nonce, aad, false);
  const size_t length = sealed.size() - kAeadTagBytes;
  Secret plaintext(length);
  int size = 0;
  if (length != 0) {
    CHECK(EVP_CipherUpdate(context.get(), plaintext.data(), &size, sealed.data(),
                           static_cast<int>(length)) == 1);
  }
  CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kAeadTagBytes,
                            const_cast<uint8_t*>(sealed.data() + length)) == 1);
  int more = 0;
  if (EVP_CipherFinal_ex(context.get(), plaintext.data() + size, &more) != 1) {
    return fail(ErrorKind::untrusted, "sealed bytes were changed, or are for another key");
  }
  return plaintext;
}

}  // namespace sotto::crypto

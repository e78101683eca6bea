// The SHA family through OpenSSL's EVP.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/check.h"
#include "crypto/openssl_digest.h"

namespace sotto::crypto {

const EVP_MD* openssl_digest(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha1:
      return EVP_sha1();
    case HashAlgorithm::sha256:
      return EVP_sha256();
    case HashAlgorithm::sha384:
      return EVP_sha384();
    case HashAlgorithm::sha512:
      return EVP_sha512();
  }
  CHECK(false);
  return nullptr;
}

std::string_view to_string(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha1:
      return "SHA-1";
    case HashAlgorithm::sha256:
      return "SHA-256";
    case HashAlgorithm::sha384:
      return "SHA-384";
    case HashAlgorithm::sha512:
      return "SHA-512";
  }
  return "?";
}

size_t digest_bytes(HashAlgorithm algorithm) {
  return static_cast<size_t>(EVP_MD_get_size(openssl_digest(algorithm)));
}

namespace {

void digest_into(HashAlgorithm algorithm, Bytes bytes, std::span<uint8_t> out) {
  unsigned int size = 0;
  CHECK(out.size() == digest_bytes(algorithm));
  CHECK(EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, openssl_digest(algorithm),
                   nullptr) == 1);
}

}  // namespace

std::vector<uint8_t> hash(HashAlgorithm algorithm, Bytes bytes) {
  std::vector<uint8_t> digest(digest_bytes(algorithm));
  digest_into(algorithm, bytes, digest);
  return digest;
}

Sha1Digest sha1(Bytes bytes) {
  Sha1Digest digest;
  digest_into(HashAlgorithm::sha1, bytes, digest);
  return digest;
}

Sha384Digest sha384(Bytes bytes) {
  Sha384Digest digest;
  digest_into(HashAlgorithm::sha384, bytes, digest);
  return digest;
}

Sha512Digest sha512(Bytes bytes) {
  Sha512Digest digest;
  digest_into(HashAlgorithm::sha512, bytes, digest);
  return digest;
}

}  // namespace sotto::crypto

// Public keys and the signatures they verify: ECDSA on NIST's curves, RSA and Ed25519.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"

// OpenSSL's own forward declaration, so that its headers stay inside crypto/.
typedef struct evp_pkey_st EVP_PKEY;  // NOLINT(modernize-use-using)

namespace sotto::crypto {

enum class KeyType : uint8_t { ec_p256, ec_p384, ec_p521, rsa, ed25519 };
std::string_view to_string(KeyType type);

inline constexpr uint64_t kPublicKeyBytesMax = 4096;
inline constexpr uint32_t kRsaBitsMin = 2048;
inline constexpr uint32_t kRsaBitsMax = 8192;
inline constexpr uint64_t kRsaExponentMax = 0xffffffff;  // what TPMs can say, and no more

// Immutable, cheap to copy, usable from any thread. Every maker answers `malformed` for what is no
// key (a point off its curve, trailing bytes), and `unsupported` for a kind or size not listed above.
class PublicKey {
 public:
  // A DER SubjectPublicKeyInfo.
  static Result<PublicKey> from_spki(Bytes der);
  // x and y, each as long as the curve's field, big endian; with or without the 0x04 in front.
  static Result<PublicKey> from_ec_point(KeyType curve, Bytes point);
  // Big endian, leading zeros allowed.
  static Result<PublicKey> from_rsa(Bytes modulus, Bytes exponent);
  static Result<PublicKey> from_ed25519(Bytes raw);  // 32 bytes

  KeyType type() const { return type_; }
  uint32_t bits() const;
  std::vector<uint8_t> spki() const;
  // x and y without the 0x04; empty for keys that are not on a NIST curve.
  std::vector<uint8_t> ec_point() const;
  bool operator==(const PublicKey& other) const;

  // For crypto/ itself: takes over the reference. Nobody else can do anything with it.
  static Result<PublicKey> adopt(EVP_PKEY* key);
  EVP_PKEY* get() const { return key_.get(); }

 private:
  PublicKey(std::shared_ptr<EVP_PKEY> key, KeyType type) : key_(std::move(key)), type_(type) {}

  std::shared_ptr<EVP_PKEY> key_;
  KeyType type_;
};

enum class SignatureScheme : uint8_t {
  ecdsa_raw,  // r and s, each as long as the curve's field, big endian: COSE, JOSE, SGX, SPDM
  ecdsa_der,  // a DER sequence of two integers: X.509
  rsa_pkcs1,  // RSASSA-PKCS1-v1_5
  rsa_pss,    // RSASSA-PSS, MGF1 with the same hash, a salt of any length
  ed25519,    // which hashes by itself: `hash` is ignored, and a digest cannot be given
};
std::string_view to_string(SignatureScheme scheme);

// `untrusted` when the signature is not this key's over these bytes; `malformed` when it cannot be one
// (its length); `unsupported` when the key cannot do the scheme, and for SHA-1.
Result<void> verify_signature(const PublicKey& key, SignatureScheme scheme, HashAlgorithm hash,
                              Bytes message, Bytes signature);
// The same where only the message's digest is at hand.
Result<void> verify_digest_signature(const PublicKey& key, SignatureScheme scheme,
                                     HashAlgorithm hash, Bytes digest, Bytes signature);

}  // namespace sotto::crypto

// Public keys and signatures through OpenSSL's EVP.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/free_by.h"
#include "crypto/openssl_digest.h"

namespace sotto::crypto {
namespace {

using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeBy<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, FreeBy<OSSL_PARAM_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeBy<OSSL_PARAM_BLD_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreeBy<ECDSA_SIG_free>>;

size_t field_bytes(KeyType curve) {
  switch (curve) {
    case KeyType::ec_p256:
      return 32;
    case KeyType::ec_p384:
      return 48;
    case KeyType::ec_p521:
      return 66;
    default:
      return 0;
  }
}

const char* curve_name(KeyType curve) {
  switch (curve) {
    case KeyType::ec_p256:
      return "prime256v1";
    case KeyType::ec_p384:
      return "secp384r1";
    default:
      return "secp521r1";
  }
}

std::optional<KeyType> type_of(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return KeyType::rsa;
    case EVP_PKEY_ED25519:
      return KeyType::ed25519;
    case EVP_PKEY_EC:
      break;
    default:
      return std::nullopt;
  }
  char name[64];
  size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &size) != 1) return std::nullopt;
  const std::string_view curve(name, size);
  for (KeyType type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521}) {
    if (curve == curve_name(type)) return type;
  }
  return std::nullopt;
}

// What OpenSSL left in its thread's queue is of no use to callers and would confuse later calls.
std::unexpected<Error> refused(ErrorKind kind, std::string_view what) {
  ERR_clear_error();
  return fail(kind, "{}", what);
}

Result<PublicKey> build(const char* algorithm, OSSL_PARAM_BLD* builder) {
  Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  CHECK(parameters != nullptr && context != nullptr);
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return refused(ErrorKind::malformed, "the numbers are no public key");
  }
  return PublicKey::adopt(key);
}

}  // namespace

std::string_view to_string(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
      return "P-256";
    case KeyType::ec_p384:
      return "P-384";
    case KeyType::ec_p521:
      return "P-521";
    case KeyType::rsa:
      return "RSA";
    case KeyType::ed25519:
      return "Ed25519";
  }
  return "?";
}

std::string_view to_string(SignatureScheme scheme) {
  switch (scheme) {
    case SignatureScheme::ecdsa_raw:
    case SignatureScheme::ecdsa_der:
      return "ECDSA";
    case SignatureScheme::rsa_pkcs1:
      return "RSASSA-PKCS1-v1_5";
    case SignatureScheme::rsa_pss:
      return "RSASSA-PSS";
    case SignatureScheme::ed25519:
      return "Ed25519";
  }
  return "?";
}

Result<PublicKey> PublicKey::adopt(EVP_PKEY* key) {
  std::shared_ptr<EVP_PKEY> owned(key, EVP_PKEY_free);
  const std::optional<KeyType> type = type_of(key);
  if (!type) return refused(ErrorKind::unsupported, "a public key of an unknown kind or curve");
  if (*type == KeyType::rsa) {
    const auto bits = static_cast<uint32_t>(EVP_PKEY_get_bits(key));
    if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
      return fail(ErrorKind::unsupported, "an RSA key of {} bits; {} to {} are accepted", bits,
                  kRsaBitsMin, kRsaBitsMax);
    }
    BIGNUM* exponent = nullptr;
    CHECK(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1);
    const Number owned_exponent(exponent);
    if (BN_num_bits(exponent) > 32 || BN_is_odd(exponent) == 0 || BN_is_one(exponent) != 0) {
      return fail(ErrorKind::malformed, "an RSA key whose exponent is even, 1 or above 32 bits");
    }
  } else if (*type != KeyType::ed25519) {
    KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    if (context == nullptr || EVP_PKEY_public_check_quick(context.get()) != 1) {
      return refused(ErrorKind::malformed, "the point is not on its curve");
    }
  }
  return PublicKey(std::move(owned), *type);
}

Result<PublicKey> PublicKey::from_spki(Bytes der) {
  if (der.empty() || der.size() > kPublicKeyBytesMax) {
    return fail(ErrorKind::malformed, "a public key of {} bytes", der.size());
  }
  const uint8_t* at = der.data();
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()));
  if (key == nullptr) return refused(ErrorKind::malformed, "no DER SubjectPublicKeyInfo");
  Result<PublicKey> result = adopt(key);
  if (result && at != der.data() + der.size()) {
    return fail(ErrorKind::malformed, "bytes after a SubjectPublicKeyInfo");
  }
  return result;
}

Result<PublicKey> PublicKey::from_ec_point(KeyType curve, Bytes point) {
  const size_t coordinate = field_bytes(curve);
  CHECK(coordinate != 0);
  std::vector<uint8_t> encoded;
  if (point.size() == 2 * coordinate) encoded.push_back(4);
  encoded.insert(encoded.end(), point.begin(), point.end());
  if (encoded.size() != 2 * coordinate + 1 || encoded[0] != 4) {
    return fail(ErrorKind::malformed, "{} bytes are no point of {}", point.size(),
                to_string(curve));
  }
  ParameterBuilder builder(OSSL_PARAM_BLD_new());
  CHECK(builder != nullptr);
  CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                        curve_name(curve), 0) == 1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                         encoded.size()) == 1);
  return build("EC", builder.get());
}

Result<PublicKey> PublicKey::from_rsa(Bytes modulus, Bytes exponent) {
  if (modulus.size() > kPublicKeyBytesMax || exponent.size() > kPublicKeyBytesMax) {
    return fail(ErrorKind::malformed, "an RSA key of {} and {} bytes", modulus.size(),
                exponent.size());
  }
  Number n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  Number e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  ParameterBuilder builder(OSSL_PARAM_BLD_new());
  CHECK(n != nullptr && e != nullptr && builder != nullptr);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  return build("RSA", builder.get());
}

Result<PublicKey> PublicKey::from_ed25519(Bytes raw) {
  EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size());
  if (key == nullptr) return refused(ErrorKind::malformed, "no Ed25519 public key");
  return adopt(key);
}

uint32_t PublicKey::bits() const {
  return static_cast<uint32_t>(EVP_PKEY_get_bits(key_.get()));
}

std::vector<uint8_t> PublicKey::spki() const {
  uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  CHECK(size > 0);
  std::vector<uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

std::vector<uint8_t> PublicKey::ec_point() const {
  const size_t coordinate = field_bytes(type_);
  if (coordinate == 0) return {};
  std::vector<uint8_t> point;
  for (const char* name : {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y}) {
    BIGNUM* number = nullptr;
    CHECK(EVP_PKEY_get_bn_param(key_.get(), name, &number) == 1);
    const Number owned(number);
    const size_t at = point.size();
    point.resize(at + coordinate);
    CHECK(BN_bn2binpad(number, point.data() + at, static_cast<int>(coordinate)) > 0);
  }
  return point;
}

bool PublicKey::operator==(const PublicKey& other) const {
  return EVP_PKEY_eq(key_.get(), other.key_.get()) == 1;
}

namespace {

// OpenSSL takes r and s as DER only.
Result<std::vector<uint8_t>> der_of_raw(KeyType curve, Bytes raw) {
  const size_t coordinate = field_bytes(curve);
  if (raw.size() != 2 * coordinate) {
    return fail(ErrorKind::malformed, "an ECDSA signature of {} bytes on {}", raw.size(),
                to_string(curve));
  }
  EcdsaSignature signature(ECDSA_SIG_new());
  const int size = static_cast<int>(coordinate);
  BIGNUM* r = BN_bin2bn(raw.data(), size, nullptr);
  BIGNUM* s = BN_bin2bn(raw.data() + coordinate, size, nullptr);
  CHECK(signature != nullptr && r != nullptr && s != nullptr);
  CHECK(ECDSA_SIG_set0(signature.get(), r, s) == 1);
  uint8_t* der = nullptr;
  const int der_size = i2d_ECDSA_SIG(signature.get(), &der);
  CHECK(der_size > 0);
  std::vector<uint8_t> bytes(der, der + der_size);
  OPENSSL_free(der);
  return bytes;
}

Result<void> check_fit(const PublicKey& key, SignatureScheme scheme, HashAlgorithm hash) {
  const bool ec = field_bytes(key.type()) != 0;
  bool fits = false;
  switch (scheme) {
    case SignatureScheme::ecdsa_raw:
    case SignatureScheme::ecdsa_der:
      fits = ec;
      break;
    case SignatureScheme::rsa_pkcs1:
    case SignatureScheme::rsa_pss:
      fits = key.type() == KeyType::rsa;
      break;
    case SignatureScheme::ed25519:
      fits = key.type() == KeyType::ed25519;
      break;
  }
  if (!fits) {
    return fail(ErrorKind::unsupported, "{} with a key of kind {}", to_string(scheme),
                to_string(key.type()));
  }
  if (hash == HashAlgorithm::sha1 && scheme != SignatureScheme::ed25519) {
    return fail(ErrorKind::unsupported, "a signature over SHA-1");
  }
  return {};
}

Result<void> verify_ed25519(const PublicKey& key, Bytes message, Bytes signature) {
  DigestContext context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  CHECK(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                       message.size()) != 1) {
    return refused(ErrorKind::untrusted, "the Ed25519 signature does not verify");
  }
  return {};
}

}  // namespace

Result<void> verify_digest_signature(const PublicKey& key, SignatureScheme scheme,
                                     HashAlgorithm hash, Bytes digest, Bytes signature) {
  TRY(check_fit(key, scheme, hash));
  CHECK(scheme != SignatureScheme::ed25519);
  if (digest.size() != digest_bytes(hash)) {
    return fail(ErrorKind::malformed, "a {} digest of {} bytes", to_string(hash), digest.size());
  }
  std::vector<uint8_t> der;
  if (scheme == SignatureScheme::ecdsa_raw) {
    der = TRY(der_of_raw(key.type(), signature));
    signature = der;
  }
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  CHECK(context != nullptr && EVP_PKEY_verify_init(context.get()) == 1);
  bool ready = true;
  if (key.type() == KeyType::rsa) {
    const bool pss = scheme == SignatureScheme::rsa_pss;
    ready = EVP_PKEY_CTX_set_rsa_padding(context.get(),
                                         pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1;
    if (ready && pss) {
      ready = EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_AUTO) == 1;
    }
  }
  ready = ready && EVP_PKEY_CTX_set_signature_md(context.get(), openssl_digest(hash)) == 1;
  if (!ready) {  // a key that is restricted to another padding or digest
    return refused(ErrorKind::unsupported, "the key's own restrictions forbid this signature");
  }
  if (EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(),
                      digest.size()) != 1) {
    ERR_clear_error();
    return fail(ErrorKind::untrusted, "the {} signature with {} does not verify", to_string(scheme),
                to_string(hash));
  }
  return {};
}

Result<void> verify_signature(const PublicKey& key, SignatureScheme scheme, HashAlgorithm hash,
                              Bytes message, Bytes signature) {
  TRY(check_fit(key, scheme, hash));
  if (scheme == SignatureScheme::ed25519) return verify_ed25519(key, message, signature);
  return verify_digest_signature(key, scheme, hash, crypto::hash(hash, message), signature);
}

}  // namespace sotto::crypto

// Making keys, certificates and CRLs with OpenSSL.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/issue.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/text_encoding.h"
#include "crypto/openssl_digest.h"

namespace sotto::crypto {
namespace {

EVP_PKEY* make_pair(KeyType type, uint32_t rsa_bits) {
  switch (type) {
    case KeyType::ec_p256:
      return EVP_EC_gen("prime256v1");
    case KeyType::ec_p384:
      return EVP_EC_gen("secp384r1");
    case KeyType::ec_p521:
      return EVP_EC_gen("secp521r1");
    case KeyType::rsa:
      return EVP_RSA_gen(rsa_bits);
    case KeyType::ed25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  }
  return nullptr;
}

PublicKey public_half(EVP_PKEY* pair) {
  uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(pair, &der);
  CHECK(size > 0);
  Result<PublicKey> key = PublicKey::from_spki(Bytes(der, static_cast<size_t>(size)));
  OPENSSL_free(der);
  CHECK(key);
  return *key;
}

std::vector<uint8_t> raw_of_der(KeyType curve, Bytes der) {
  const int coordinate = curve == KeyType::ec_p256 ? 32 : curve == KeyType::ec_p384 ? 48 : 66;
  const uint8_t* at = der.data();
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  CHECK(signature != nullptr);
  std::vector<uint8_t> raw(static_cast<size_t>(coordinate) * 2);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw.data(), coordinate) == coordinate);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw.data() + coordinate, coordinate) ==
        coordinate);
  ECDSA_SIG_free(signature);
  return raw;
}

void add_extension(X509* certificate, ASN1_OBJECT* object, bool critical, Bytes value) {
  ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
  CHECK(object != nullptr && octets != nullptr);
  CHECK(ASN1_OCTET_STRING_set(octets, value.data(), static_cast<int>(value.size())) == 1);
  X509_EXTENSION* extension =
      X509_EXTENSION_create_by_OBJ(nullptr, object, critical ? 1 : 0, octets);
  CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(octets);
}

void add_by_text(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

void add_standard_extensions(X509* certificate, X509* issuer, const CertificateSpec& what) {
  std::string constraints = what.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE";
  if (what.path_length) constraints += fmt::format(",pathlen:{}", *what.path_length);
  add_by_text(certificate, issuer, NID_basic_constraints, constraints);
  if (what.key_usage) {
    std::string usage = "critical";
    if ((*what.key_usage & kUsageDigitalSignature) != 0) usage += ",digitalSignature";
    if ((*what.key_usage & kUsageCertSign) != 0) usage += ",keyCertSign";
    if ((*what.key_usage & kUsageCrlSign) != 0) usage += ",cRLSign";
    add_by_text(certificate, issuer, NID_key_usage, usage);
  }
  if (what.key_identifiers) {
    add_by_text(certificate, issuer, NID_subject_key_identifier, "hash");
    add_by_text(certificate, issuer, NID_authority_key_identifier, "keyid");
  }
}

// 1950 to 2049 as UTCTime, later as GeneralizedTime [RFC5280 §4.1.2.5].
void set_time(ASN1_TIME* time, int64_t unix_seconds) {
  CHECK(ASN1_TIME_set(time, unix_seconds) != nullptr);
}

}  // namespace

KeyPair::KeyPair(KeyType type, uint32_t rsa_bits) : KeyPair(make_pair(type, rsa_bits)) {}

KeyPair::KeyPair(EVP_PKEY* pair) : pair_(pair, EVP_PKEY_free), public_key_(public_half(pair)) {}

KeyPair KeyPair::from_p256_scalar(const std::array<uint8_t, 32>& scalar) {
  EC_GROUP* group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  BIGNUM* secret = BN_bin2bn(scalar.data(), static_cast<int>(scalar.size()), nullptr);
  CHECK(group != nullptr && secret != nullptr);
  CHECK(!BN_is_zero(secret) && BN_cmp(secret, EC_GROUP_get0_order(group)) < 0);
  EC_POINT* point = EC_POINT_new(group);
  CHECK(point != nullptr);
  CHECK(EC_POINT_mul(group, point, secret, nullptr, nullptr, nullptr) == 1);
  std::array<uint8_t, 65> encoded;
  CHECK(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, encoded.data(),
                           encoded.size(), nullptr) == encoded.size());
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  CHECK(builder != nullptr);
  CHECK(OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                         encoded.size()) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1);
  OSSL_PARAM* parameters = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* pair = nullptr;
  CHECK(parameters != nullptr && context != nullptr);
  CHECK(EVP_PKEY_fromdata_init(context) == 1);
  CHECK(EVP_PKEY_fromdata(context, &pair, EVP_PKEY_KEYPAIR, parameters) == 1);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(builder);
  EC_POINT_free(point);
  BN_clear_free(secret);
  EC_GROUP_free(group);
  return KeyPair(pair);
}

std::vector<uint8_t> KeyPair::sign(SignatureScheme scheme, HashAlgorithm hash,
                                   Bytes message) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* parameters = nullptr;
  const bool ed25519 = scheme == SignatureScheme::ed25519;
  CHECK(context != nullptr);
  CHECK(EVP_DigestSignInit(context, &parameters, ed25519 ? nullptr : openssl_digest(hash), nullptr,
                           pair_.get()) == 1);
  if (scheme == SignatureScheme::rsa_pss) {
    CHECK(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  size_t size = 0;
  CHECK(EVP_DigestSign(context, nullptr, &size, message.data(), message.size()) == 1);
  std::vector<uint8_t> signature(size);
  CHECK(EVP_DigestSign(context, signature.data(), &size, message.data(), message.size()) == 1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  if (scheme == SignatureScheme::ecdsa_raw) return raw_of_der(public_key_.type(), signature);
  return signature;
}

Certificate issue_certificate(const CertificateSpec& what, const PublicKey& key,
                              const Certificate* issuer, const KeyPair& signer) {
  X509* certificate = X509_new();
  CHECK(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1);
  CHECK(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), what.serial) == 1);
  set_time(X509_getm_notBefore(certificate), what.not_before);
  set_time(X509_getm_notAfter(certificate), what.not_after);
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add_entry = [&](const char* field, const std::string& value) {
    CHECK(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                     reinterpret_cast<const uint8_t*>(value.data()),
                                     static_cast<int>(value.size()), -1, 0) == 1);
  };
  add_entry("O", what.organization);
  add_entry("CN", what.common_name);
  X509_NAME* issuer_name = issuer == nullptr ? name : X509_get_subject_name(issuer->get());
  CHECK(X509_set_issuer_name(certificate, issuer_name) == 1);
  CHECK(X509_set_pubkey(certificate, key.get()) == 1);
  add_standard_extensions(certificate, issuer == nullptr ? certificate : issuer->get(), what);
  for (const ExtensionSpec& extension : what.extensions) {
    ASN1_OBJECT* object = OBJ_txt2obj(extension.oid.c_str(), 1);
    add_extension(certificate, object, extension.critical, extension.value);
    ASN1_OBJECT_free(object);
  }

  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* parameters = nullptr;
  CHECK(context != nullptr);
  CHECK(EVP_DigestSignInit(context, &parameters, openssl_digest(what.hash), nullptr,
                           signer.pair()) == 1);
  if (what.pss) {
    CHECK(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  CHECK(X509_sign_ctx(certificate, context) > 0);
  EVP_MD_CTX_free(context);
  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  X509_free(certificate);
  CHECK(size > 0);
  Result<Certificate> parsed = Certificate::from_der(Bytes(der, static_cast<size_t>(size)));
  OPENSSL_free(der);
  CHECK(parsed);
  return *parsed;
}

std::vector<uint8_t> issue_crl(const CrlSpec& what, const Certificate& issuer,
                               const KeyPair& signer) {
  X509_CRL* crl = X509_CRL_new();
  ASN1_TIME* time = ASN1_TIME_new();
  ASN1_INTEGER* number = ASN1_INTEGER_new();
  CHECK(crl != nullptr && time != nullptr && number != nullptr);
  CHECK(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
  CHECK(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer.get())) == 1);
  set_time(time, what.this_update);
  CHECK(X509_CRL_set1_lastUpdate(crl, time) == 1);
  for (uint64_t serial : what.revoked_serials) {
    X509_REVOKED* revoked = X509_REVOKED_new();
    CHECK(revoked != nullptr && ASN1_INTEGER_set_uint64(number, serial) == 1);
    CHECK(X509_REVOKED_set_serialNumber(revoked, number) == 1);
    CHECK(X509_REVOKED_set_revocationDate(revoked, time) == 1);
    CHECK(X509_CRL_add0_revoked(crl, revoked) == 1);
  }
  set_time(time, what.next_update);
  CHECK(X509_CRL_set1_nextUpdate(crl, time) == 1);
  CHECK(ASN1_INTEGER_set_uint64(number, what.number) == 1);
  CHECK(X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1);
  CHECK(X509_CRL_sign(crl, signer.pair(), EVP_sha256()) > 0);
  uint8_t* der = nullptr;
  const int size = i2d_X509_CRL(crl, &der);
  CHECK(size > 0);
  std::vector<uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  ASN1_INTEGER_free(number);
  ASN1_TIME_free(time);
  X509_CRL_free(crl);
  return bytes;
}

std::string pem_of(const std::vector<Certificate>& certificates) {
  std::string text;
  for (const Certificate& certificate : certificates) {
    const std::string body = base64_of(certificate.der(), Base64::standard);
    text += "-----BEGIN CERTIFICATE-----\n";
    for (size_t at = 0; at < body.size(); at += 64) text += body.substr(at, 64) + "\n";
    text += "-----END CERTIFICATE-----\n";
  }
  return text;
}

std::string private_key_pem(const KeyPair& key) {
  BIO* bio = BIO_new(BIO_s_mem());
  CHECK(bio != nullptr);
  CHECK(PEM_write_bio_PrivateKey(bio, key.pair(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  std::string text(BIO_ctrl_pending(bio), '\0');
  CHECK(BIO_read(bio, text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size()));
  BIO_free(bio);
  return text;
}

}  // namespace sotto::crypto

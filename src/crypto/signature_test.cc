// Signatures of every scheme: those of our own signer verify, and nothing near them does.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature.h"

#include <gtest/gtest.h>

#include "base/text_encoding.h"
#include "crypto/issue.h"

namespace sotto::crypto {
namespace {

struct Case {
  KeyType key;
  SignatureScheme scheme;
  HashAlgorithm hash;
};

class Signatures : public testing::TestWithParam<Case> {};

TEST_P(Signatures, verify_and_refuse_what_was_changed) {
  const auto [type, scheme, hash_algorithm] = GetParam();
  const KeyPair signer(type);
  std::vector<uint8_t> message = {1, 2, 3, 4, 5};
  std::vector<uint8_t> signature = signer.sign(scheme, hash_algorithm, message);
  const auto verify = [&](const PublicKey& key) {
    return verify_signature(key, scheme, hash_algorithm, message, signature).has_value();
  };
  EXPECT_TRUE(verify(signer.public_key()));
  EXPECT_FALSE(verify(KeyPair(type).public_key()));
  message[2] ^= 0x10;
  EXPECT_FALSE(verify(signer.public_key()));
  message[2] ^= 0x10;
  for (size_t byte = 0; byte < signature.size(); byte += 7) {
    signature[byte] ^= 4;
    EXPECT_FALSE(verify(signer.public_key())) << byte;
    signature[byte] ^= 4;
  }
  signature.push_back(0);
  EXPECT_FALSE(verify(signer.public_key()));
  signature.clear();
  EXPECT_FALSE(verify(signer.public_key()));
}

INSTANTIATE_TEST_SUITE_P(
    every_scheme, Signatures,
    testing::Values(Case{KeyType::ec_p256, SignatureScheme::ecdsa_raw, HashAlgorithm::sha256},
                    Case{KeyType::ec_p256, SignatureScheme::ecdsa_der, HashAlgorithm::sha256},
                    Case{KeyType::ec_p384, SignatureScheme::ecdsa_raw, HashAlgorithm::sha384},
                    Case{KeyType::ec_p384, SignatureScheme::ecdsa_der, HashAlgorithm::sha512},
                    Case{KeyType::ec_p521, SignatureScheme::ecdsa_raw, HashAlgorithm::sha512},
                    Case{KeyType::rsa, SignatureScheme::rsa_pkcs1, HashAlgorithm::sha256},
                    Case{KeyType::rsa, SignatureScheme::rsa_pss, HashAlgorithm::sha384},
                    Case{KeyType::ed25519, SignatureScheme::ed25519, HashAlgorithm::sha512}));

// [RFC6979 §A.2.5], message "sample" with SHA-256 on P-256: made by nobody here.
TEST(Signature, verifies_a_published_example) {
  const auto point = bytes_of_hex(
      "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
      "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  const auto signature = bytes_of_hex(
      "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
      "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
  const PublicKey key = PublicKey::from_ec_point(KeyType::ec_p256, *point).value();
  EXPECT_TRUE(verify_signature(key, SignatureScheme::ecdsa_raw, HashAlgorithm::sha256,
                               as_bytes("sample"), *signature));
  EXPECT_FALSE(verify_signature(key, SignatureScheme::ecdsa_raw, HashAlgorithm::sha256,
                                as_bytes("simple"), *signature));
  EXPECT_EQ(key.ec_point(), *point);
}

TEST(Signature, keys_go_through_their_encodings) {
  for (KeyType type : {KeyType::ec_p256, KeyType::ec_p384, KeyType::ec_p521}) {
    const PublicKey key = KeyPair(type).public_key();
    EXPECT_EQ(PublicKey::from_spki(key.spki()).value(), key);
    EXPECT_EQ(PublicKey::from_ec_point(type, key.ec_point()).value(), key);
  }
}

TEST(Signature, refuses_keys_that_are_none) {
  std::vector<uint8_t> point = KeyPair(KeyType::ec_p256).public_key().ec_point();
  point[63] ^= 1;
  EXPECT_FALSE(PublicKey::from_ec_point(KeyType::ec_p256, point));
  point.pop_back();
  EXPECT_FALSE(PublicKey::from_ec_point(KeyType::ec_p256, point));
  EXPECT_FALSE(PublicKey::from_ec_point(KeyType::ec_p256, std::vector<uint8_t>(64, 0)));
  EXPECT_FALSE(PublicKey::from_ec_point(KeyType::ec_p256, std::vector<uint8_t>(64, 0xff)));
  EXPECT_FALSE(PublicKey::from_ed25519(std::vector<uint8_t>(31)));
  const std::vector<uint8_t> exponent = {1, 0, 1};
  EXPECT_FALSE(PublicKey::from_rsa(std::vector<uint8_t>(128, 0xff), exponent));  // 1024 bits
  EXPECT_TRUE(PublicKey::from_rsa(std::vector<uint8_t>(256, 0xff), exponent));
  EXPECT_FALSE(PublicKey::from_rsa(std::vector<uint8_t>(256, 0xff), std::vector<uint8_t>{1}));
  EXPECT_FALSE(PublicKey::from_rsa(std::vector<uint8_t>(256, 0xff), std::vector<uint8_t>{}));
  std::vector<uint8_t> spki = KeyPair(KeyType::ec_p256).public_key().spki();
  spki.push_back(0);
  EXPECT_FALSE(PublicKey::from_spki(spki));
  EXPECT_FALSE(PublicKey::from_spki({}));
}

TEST(Signature, refuses_sha1_and_keys_of_another_kind) {
  const KeyPair rsa(KeyType::rsa);
  const std::vector<uint8_t> message = {1};
  const auto signature = rsa.sign(SignatureScheme::rsa_pkcs1, HashAlgorithm::sha1, message);
  EXPECT_EQ(verify_signature(rsa.public_key(), SignatureScheme::rsa_pkcs1, HashAlgorithm::sha1,
                             message, signature)
                .error()
                .kind,
            ErrorKind::unsupported);
  EXPECT_EQ(verify_signature(rsa.public_key(), SignatureScheme::ecdsa_der, HashAlgorithm::sha256,
                             message, signature)
                .error()
                .kind,
            ErrorKind::unsupported);
}

}  // namespace
}  // namespace sotto::crypto

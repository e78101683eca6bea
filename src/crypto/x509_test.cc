// Certificates and paths: what is read, and each way in which a path is refused, once.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509.h"

#include <gtest/gtest.h>

#include "crypto/issue.h"

namespace sotto::crypto {
namespace {

constexpr int64_t kNow = 1'750'000'000;
constexpr int64_t kYear = 365 * 86400;

// Root, intermediate and leaf with their CRLs, to be spoilt by each test in one way.
struct TestPki {
  KeyPair root_key{KeyType::ec_p384};
  KeyPair middle_key{KeyType::ec_p256};
  KeyPair leaf_key{KeyType::ec_p256};
  CertificateSpec root_spec{.common_name = "Root",
                            .serial = 1,
                            .not_before = kNow - kYear,
                            .not_after = kNow + kYear,
                            .is_ca = true,
                            .path_length = 1,
                            .key_usage = kUsageCertSign | kUsageCrlSign};
  CertificateSpec middle_spec{.common_name = "Middle",
                              .serial = 2,
                              .not_before = kNow - kYear,
                              .not_after = kNow + kYear,
                              .is_ca = true,
                              .path_length = 0,
                              .key_usage = kUsageCertSign | kUsageCrlSign};
  CertificateSpec leaf_spec{.common_name = "Leaf",
                            .serial = 3,
                            .not_before = kNow - kYear,
                            .not_after = kNow + kYear,
                            .key_usage = kUsageDigitalSignature};
  CrlSpec root_crl{.this_update = kNow - 100, .next_update = kNow + 100};
  CrlSpec middle_crl{.this_update = kNow - 100, .next_update = kNow + 100};

  std::expected<std::vector<Certificate>, ChainError> verify(const ChainOptions& options,
                                                             int64_t time = kNow) const {
    const Certificate root = issue_certificate(root_spec, root_key.public_key(), nullptr, root_key);
    const Certificate middle =
        issue_certificate(middle_spec, middle_key.public_key(), &root, root_key);
    const Certificate leaf =
        issue_certificate(leaf_spec, leaf_key.public_key(), &middle, middle_key);
    const std::vector<Crl> crls = {
        Crl::from_der(issue_crl(root_crl, root, root_key)).value(),
        Crl::from_der(issue_crl(middle_crl, middle, middle_key)).value()};
    return verify_chain(leaf, {middle}, {root}, crls, time, options);
  }
  ChainFault fault(const ChainOptions& options = {CrlCheck::all}, int64_t time = kNow) const {
    const auto chain = verify(options, time);
    EXPECT_FALSE(chain.has_value());
    return chain ? ChainFault::other : chain.error().fault;
  }
};

TEST(X509, reads_back_what_was_issued) {
  const KeyPair key(KeyType::ec_p256);
  const Certificate certificate = issue_certificate({.common_name = "A name",
                                                     .serial = 0x1234,
                                                     .not_before = kNow,
                                                     .not_after = kNow + 5,
                                                     .is_ca = true,
                                                     .path_length = 3,
                                                     .key_usage = kUsageCertSign,
                                                     .extensions = {{"1.2.3.4", {7, 8}}}},
                                                    key.public_key(), nullptr, key);
  EXPECT_EQ(certificate.subject(), "CN=A name,O=Sotto Test");
  EXPECT_EQ(certificate.issuer(), certificate.subject());
  EXPECT_EQ(certificate.subject_common_name(), "A name");
  EXPECT_TRUE(certificate.self_issued());
  EXPECT_TRUE(certificate.self_signed());
  EXPECT_EQ(certificate.serial(), (std::vector<uint8_t>{0x12, 0x34}));
  EXPECT_EQ(certificate.not_before(), kNow);
  EXPECT_EQ(certificate.not_after(), kNow + 5);
  EXPECT_EQ(certificate.public_key().value(), key.public_key());
  EXPECT_EQ(certificate.spki(), key.public_key().spki());
  EXPECT_TRUE(certificate.is_ca());
  EXPECT_EQ(certificate.path_length(), 3u);
  EXPECT_EQ(certificate.key_usage(), kUsageCertSign);
  EXPECT_EQ(certificate.extension("1.2.3.4").value(), (std::vector<uint8_t>{7, 8}));
  EXPECT_EQ(certificate.extension("1.2.3.5").value(), std::nullopt);
  EXPECT_EQ(certificate.fingerprint(), sha256(certificate.der()));
}

TEST(X509, refuses_an_extension_that_is_there_twice) {
  const KeyPair key(KeyType::ec_p256);
  const Certificate certificate = issue_certificate(
      {.common_name = "Twice", .extensions = {{"1.2.3.4", {1}}, {"1.2.3.4", {2}}}},
      key.public_key(), nullptr, key);
  EXPECT_FALSE(certificate.extension("1.2.3.4"));
}

TEST(X509, parses_exactly_what_pem_allows) {
  const KeyPair key(KeyType::ec_p256);
  const Certificate certificate =
      issue_certificate({.common_name = "PEM"}, key.public_key(), nullptr, key);
  const std::string pem = pem_of({certificate});
  EXPECT_EQ(Certificate::from_pem(pem).value().fingerprint(), certificate.fingerprint());
  EXPECT_EQ(parse_pem_chain("\n" + pem + "\r\n" + pem + std::string(3, '\0')).value().size(), 2u);
  EXPECT_EQ(parse_certificates(as_bytes(pem)).value().size(), 1u);
  EXPECT_EQ(parse_certificates(certificate.der()).value().size(), 1u);
  EXPECT_FALSE(parse_pem_chain("text\n" + pem));
  EXPECT_FALSE(parse_pem_chain(pem + "text"));
  EXPECT_FALSE(parse_pem_chain(pem + pem, 1));
  EXPECT_FALSE(parse_pem_chain(""));
  std::string spoilt = pem;
  spoilt.insert(40, " ");
  EXPECT_FALSE(parse_pem_chain(spoilt));
  spoilt = pem;
  spoilt.replace(spoilt.find("END C"), 5, "END D");
  EXPECT_FALSE(parse_pem_chain(spoilt));
  std::vector<uint8_t> longer(certificate.der().begin(), certificate.der().end());
  longer.push_back(0);
  EXPECT_FALSE(Certificate::from_der(longer));
  longer.resize(longer.size() - 2);
  EXPECT_FALSE(Certificate::from_der(longer));
}

TEST(X509, accepts_a_good_path) {
  const auto chain = TestPki().verify({CrlCheck::all});
  ASSERT_TRUE(chain.has_value()) << chain.error().message;
  ASSERT_EQ(chain->size(), 3u);
  EXPECT_EQ((*chain)[0].subject_common_name(), "Leaf");
  EXPECT_EQ((*chain)[2].subject_common_name(), "Root");
}

TEST(X509, refuses_what_has_expired_or_is_not_yet_valid) {
  TestPki pki;
  EXPECT_EQ(pki.fault({}, kNow + 2 * kYear), ChainFault::expired);
  EXPECT_EQ(pki.fault({}, kNow - 2 * kYear), ChainFault::not_yet_valid);
  pki.middle_spec.not_after = kNow - 1;
  EXPECT_EQ(pki.fault(), ChainFault::expired);
}

TEST(X509, refuses_what_is_revoked_and_crls_that_say_nothing) {
  TestPki pki;
  pki.middle_crl.revoked_serials = {1, 3};
  EXPECT_EQ(pki.fault(), ChainFault::revoked);
  EXPECT_EQ(pki.fault({CrlCheck::leaf}), ChainFault::revoked);
  EXPECT_TRUE(pki.verify({CrlCheck::none}).has_value());
  pki = TestPki();
  pki.root_crl.revoked_serials = {2};
  EXPECT_EQ(pki.fault(), ChainFault::revoked);
  EXPECT_TRUE(pki.verify({CrlCheck::leaf}).has_value());
  EXPECT_EQ(TestPki().fault({CrlCheck::all}, kNow + 101), ChainFault::crl_expired);
  EXPECT_EQ(TestPki().fault({CrlCheck::all}, kNow - 101), ChainFault::crl_not_yet_valid);
}

TEST(X509, refuses_a_crl_that_somebody_else_signed) {
  const TestPki pki;
  const Certificate root =
      issue_certificate(pki.root_spec, pki.root_key.public_key(), nullptr, pki.root_key);
  const Certificate leaf =
      issue_certificate(pki.leaf_spec, pki.leaf_key.public_key(), &root, pki.root_key);
  const Crl crl = Crl::from_der(issue_crl(pki.root_crl, root, pki.middle_key)).value();
  EXPECT_EQ(verify_chain(leaf, {}, {root}, {crl}, kNow, {CrlCheck::all}).error().fault,
            ChainFault::crl_bad_signature);
  EXPECT_EQ(verify_chain(leaf, {}, {root}, {}, kNow, {CrlCheck::all}).error().fault,
            ChainFault::crl_missing);
}

TEST(X509, refuses_issuers_that_may_not_issue) {
  TestPki pki;
  pki.middle_spec.is_ca = false;
  pki.middle_spec.path_length.reset();
  EXPECT_EQ(pki.fault({}), ChainFault::not_a_ca);
  pki = TestPki();
  pki.middle_spec.key_usage = kUsageDigitalSignature;
  EXPECT_EQ(pki.fault({}), ChainFault::not_a_ca);
  pki = TestPki();
  pki.root_spec.path_length = 0;
  EXPECT_EQ(pki.fault({}), ChainFault::path_too_long);
}

TEST(X509, refuses_other_roots_and_wrong_signatures) {
  const TestPki pki;
  const KeyPair other(KeyType::ec_p384);
  const Certificate root =
      issue_certificate(pki.root_spec, pki.root_key.public_key(), nullptr, pki.root_key);
  const Certificate imposter = issue_certificate(pki.root_spec, other.public_key(), nullptr, other);
  const Certificate leaf =
      issue_certificate(pki.leaf_spec, pki.leaf_key.public_key(), &root, pki.root_key);
  EXPECT_EQ(verify_chain(leaf, {root}, {}, {}, kNow).error().fault, ChainFault::unknown_issuer);
  EXPECT_EQ(verify_chain(leaf, {root}, {imposter}, {}, kNow).error().fault,
            ChainFault::unknown_issuer);
  std::vector<uint8_t> spoilt(leaf.der().begin(), leaf.der().end());
  spoilt.back() ^= 1;
  EXPECT_EQ(verify_chain(Certificate::from_der(spoilt).value(), {}, {root}, {}, kNow).error().fault,
            ChainFault::bad_signature);
  EXPECT_TRUE(verify_chain(leaf, {}, {root}, {}, kNow).has_value());
}

TEST(X509, passes_only_the_critical_extensions_that_the_caller_handles) {
  TestPki pki;
  pki.leaf_spec.extensions = {{"1.2.3.4", {5, 0}, true}};
  EXPECT_EQ(pki.fault({}), ChainFault::unhandled_extension);
  EXPECT_EQ(pki.fault({CrlCheck::none, {"1.2.3.5"}}), ChainFault::unhandled_extension);
  EXPECT_TRUE(pki.verify({CrlCheck::none, {"1.2.3.4"}}).has_value());
}

TEST(X509, every_flipped_bit_of_a_certificate_is_refused) {
  const TestPki pki;
  const Certificate root =
      issue_certificate(pki.root_spec, pki.root_key.public_key(), nullptr, pki.root_key);
  const Certificate leaf =
      issue_certificate(pki.leaf_spec, pki.leaf_key.public_key(), &root, pki.root_key);
  std::vector<uint8_t> bytes(leaf.der().begin(), leaf.der().end());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    const Result<Certificate> spoilt = Certificate::from_der(bytes);
    EXPECT_FALSE(spoilt && verify_chain(*spoilt, {}, {root}, {}, kNow)) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
}

}  // namespace
}  // namespace sotto::crypto

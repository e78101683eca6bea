// The instance's attested document: a recorded one, and our own in every way that is refused.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/imds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/azure/vectors_for_testing.h"
#include "crypto/signed_data.h"
#include "crypto/signed_data_for_testing.h"

namespace sotto::attest::azure {
namespace {

using crypto::Certificate;
using crypto::KeyType;
using crypto::SignerForTesting;
using testing::read_bytes;
using testing::read_text;
using testing::vectors;

constexpr int64_t kNow = 1'650'000'000;
constexpr int64_t kApril2022 = 1'650'342'000;  // within the recorded document's six hours

std::string reason_of(const Verified<Claims>& claims) {
  return claims ? "accepted" : std::string(to_string(claims.error().reason));
}

// The issuer of its signer is not in it; Azure's document names where to fetch it, and here it lies.
Collateral issuer() {
  Collateral collateral;
  testing::add(collateral, kImdsIntermediates,
               read_bytes(SOTTO_TESTDATA_DIR "/attest/microsoft_rsa_tls_ca_01.pem"));
  return collateral;
}

TEST(ImdsVectors, are_accepted_within_their_six_hours_by_the_pinned_roots) {
  SKIP_WITHOUT_VECTORS();
  const auto der = read_bytes(vectors() / "azure/imds/attested_document_2022.p7");
  const auto base64 = read_bytes(vectors() / "azure/imds/attested_document_2022.p7.b64");
  const Roots roots = Roots::pinned();
  for (const auto& document : {der, base64}) {
    const auto claims = verify_imds(document, {"20220419-072721"}, issuer(), roots, kApril2022);
    ASSERT_EQ(reason_of(claims), "accepted") << claims.error().message;
    EXPECT_EQ(claims->notes.at("vm_id"), "bd8e7443-24a0-41f3-b949-8baf4fd1c573");
    EXPECT_EQ(claims->notes.at("sku"), "20_04-lts-gen2");
    EXPECT_FALSE(claims->root_replaced);
    const auto alone = verify_imds(document, {}, {}, roots, kApril2022);
    EXPECT_EQ(reason_of(alone), "untrusted-root");
    EXPECT_EQ(alone.error().rules.back().name, "imds-chain");
    EXPECT_EQ(reason_of(verify_imds(document, {"other"}, issuer(), roots, kApril2022)),
              "binding-mismatch");
  }
  // 2023-02-01, which its certificates outlive and it does not; 2023-03-01, which neither does.
  const auto late = verify_imds(der, {}, issuer(), roots, 1'675'252'800);
  EXPECT_EQ(reason_of(late), "expired");
  EXPECT_EQ(late.error().rules.back().name, "imds-lifetime");
  const auto later = verify_imds(der, {}, issuer(), roots, 1'677'672'000);
  EXPECT_EQ(reason_of(later), "expired");
  EXPECT_EQ(later.error().rules.back().name, "imds-chain");
}

TEST(ImdsMutations, of_every_covered_bit_are_refused) {
  SKIP_WITHOUT_VECTORS();
  auto der = read_bytes(vectors() / "azure/imds/attested_document_2022.p7");
  const auto opened = crypto::open_signed_data(der);
  ASSERT_TRUE(opened.has_value());
  const Roots roots = Roots::pinned();
  const Collateral collateral = issuer();
  const auto good = verify_imds(der, {}, collateral, roots, kApril2022);
  ASSERT_EQ(reason_of(good), "accepted");
  size_t changed_claims = 0, bits = 0;
  for (size_t bit = 0; bit < der.size() * 8; bit += 7) {
    der[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    const auto claims = verify_imds(der, {}, collateral, roots, kApril2022);
    // A few bits of the envelope are covered by nothing (version numbers, optional parameters); none of
    // them may change what is claimed.
    if (claims && (claims->notes != good->notes || claims->values != good->values)) {
      ++changed_claims;
    }
    der[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    ++bits;
  }
  EXPECT_EQ(changed_claims, 0u);
  EXPECT_GT(bits, 3000u);
  // The contents and the signature themselves: every bit.
  const auto begin = std::ranges::search(der, opened->content).begin() - der.begin();
  ASSERT_LT(begin, static_cast<ptrdiff_t>(der.size()));
  for (size_t bit = 0; bit < opened->content.size() * 8; ++bit) {
    const size_t at = static_cast<size_t>(begin) * 8 + bit;
    der[at / 8] ^= static_cast<uint8_t>(1 << (at % 8));
    EXPECT_FALSE(verify_imds(der, {}, collateral, roots, kApril2022).has_value()) << bit;
    der[at / 8] ^= static_cast<uint8_t>(1 << (at % 8));
  }
  for (size_t bit = (der.size() - 256) * 8; bit < der.size() * 8; ++bit) {
    der[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    EXPECT_FALSE(verify_imds(der, {}, collateral, roots, kApril2022).has_value()) << bit;
    der[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
}

// A root, an issuer and a signer of our own.
struct Pki {
  SignerForTesting root_key{KeyType::ec_p256}, issuer_key{KeyType::ec_p256}, key{KeyType::rsa};
  Certificate root, issuer, signer;

  static crypto::CertificateForTesting named(std::string name, bool is_ca) {
    return {.common_name = std::move(name),
            .not_before = kNow - 1000,
            .not_after = kNow + 1000,
            .is_ca = is_ca};
  }
  explicit Pki(const std::string& name)
      : root(crypto::issue_for_testing(named("Root", true), root_key.public_key(), nullptr,
                                       root_key)),
        issuer(crypto::issue_for_testing(named("Issuer", true), issuer_key.public_key(), &root,
                                         root_key)),
        signer(
            crypto::issue_for_testing(named(name, false), key.public_key(), &issuer, issuer_key)) {}
  Roots roots() const {
    Roots roots;
    roots.replace(Vendor::microsoft_tls, {root});
    return roots;
  }
};

std::string document(std::string_view created, std::string_view expires) {
  return fmt::format(
      "{{\"nonce\":\"n1\",\"vmId\":\"v\",\"subscriptionId\":\"s\",\"sku\":\"k\",\"timeStamp\":{{"
      "\"createdOn\":\"{}\",\"expiresOn\":\"{}\"}}}}",
      created, expires);
}

constexpr std::string_view kCreated = "04/15/22 05:00:00 -0000";
constexpr std::string_view kExpires = "04/15/22 11:00:00 -0000";

TEST(Imds, is_accepted_by_the_chain_inside_or_in_collateral) {
  const Pki pki("eastus.metadata.azure.com");
  const std::string json = document(kCreated, kExpires);
  const auto with =
      crypto::sign_data_for_testing(as_bytes(json), pki.signer, pki.key, {pki.issuer});
  const auto claims = verify_imds(with, {"n1"}, {}, pki.roots(), kNow);
  ASSERT_EQ(reason_of(claims), "accepted") << claims.error().message;
  EXPECT_EQ(claims->platform, "azure-instance");
  const auto without = crypto::sign_data_for_testing(as_bytes(json), pki.signer, pki.key);
  EXPECT_EQ(reason_of(verify_imds(without, {"n1"}, {}, pki.roots(), kNow)), "untrusted-root");
  Collateral collateral;
  const std::string pem = crypto::pem_for_testing({pki.issuer});
  testing::add(collateral, kImdsIntermediates, {pem.begin(), pem.end()});
  EXPECT_EQ(reason_of(verify_imds(without, {"n1"}, collateral, pki.roots(), kNow)), "accepted");
}

TEST(Imds, is_refused_by_each_of_its_rules) {
  const Pki pki("metadata.azure.com"), other("metadata.azure.com"),
      stranger("evilmetadata.azure.com");
  const auto verdict = [&](const Pki& signer, const std::string& json, int64_t time = kNow) {
    const auto der =
        crypto::sign_data_for_testing(as_bytes(json), signer.signer, signer.key, {signer.issuer});
    return reason_of(verify_imds(der, {"n1"}, {}, signer.roots(), time));
  };
  const std::string good = document(kCreated, kExpires);
  EXPECT_EQ(verdict(pki, good), "accepted");
  EXPECT_EQ(verdict(stranger, good), "identity-mismatch");
  EXPECT_EQ(verdict(pki, "{}"), "malformed");
  EXPECT_EQ(verdict(pki, document("yesterday", kExpires)), "malformed");
  EXPECT_EQ(verdict(pki, document("04/15/22 06:00:00 -0000", kExpires)), "not-yet-valid");
  EXPECT_EQ(verdict(pki, document(kCreated, "04/15/22 05:10:00 -0000")), "expired");
  EXPECT_EQ(verdict(pki, good, kNow + 2000), "expired");  // the certificates
  std::string other_nonce = good;
  other_nonce[10] = 'x';
  EXPECT_EQ(verdict(pki, other_nonce), "binding-mismatch");
  const auto der = crypto::sign_data_for_testing(as_bytes(good), pki.signer, pki.key, {pki.issuer});
  EXPECT_EQ(reason_of(verify_imds(der, {"n1"}, {}, other.roots(), kNow)), "untrusted-root");
  const auto forged = crypto::sign_data_for_testing(as_bytes(good), pki.signer, pki.key, {},
                                                    crypto::HashAlgorithm::sha1);
  EXPECT_EQ(reason_of(verify_imds(forged, {"n1"}, {}, pki.roots(), kNow)), "unsupported");
  auto longer = der;
  longer.push_back(0);
  EXPECT_EQ(reason_of(verify_imds(longer, {"n1"}, {}, pki.roots(), kNow)), "malformed");
  EXPECT_EQ(reason_of(verify_imds({}, {"n1"}, {}, pki.roots(), kNow)), "malformed");
}

TEST(ImdsTime, has_one_form) {
  EXPECT_EQ(*parse_imds_time("04/19/22 07:27:21 -0000"), 1'650'353'241);
  EXPECT_EQ(*parse_imds_time("02/29/24 00:00:00 -0000"), 1'709'164'800);
  for (const char* bad :
       {"", "4/19/22 07:27:21 -0000", "02/30/22 07:27:21 -0000", "04/19/22 24:00:00 -0000",
        "04/19/22 07:27:21 +0100", "04/19/22 07:27:21 -0000 ", "13/01/22 07:27:21 -0000"}) {
    EXPECT_FALSE(parse_imds_time(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace sotto::attest::azure

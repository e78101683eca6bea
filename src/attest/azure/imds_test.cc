// The instance's attested document: a recorded one, and it with bits changed.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/imds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/azure/vectors_for_testing.h"
#include "crypto/signed_data.h"

namespace sotto::attest::azure {
namespace {

using testing::read_bytes;
using testing::read_text;
using testing::vectors;

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

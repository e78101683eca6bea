// The built-in roots: whole, signed by themselves, and those that docs/roots.md lists.
// SPDX-License-Identifier: Apache-2.0
#include "attest/roots.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "attest/evidence.h"
#include "base/text_encoding.h"

namespace sotto::attest {
namespace {

// All but google_firmware: nobody who publishes evidence publishes that root beside it.
constexpr Vendor kVendors[] = {Vendor::intel_sgx,
                               Vendor::intel_trust_authority,
                               Vendor::amd,
                               Vendor::aws_nitro,
                               Vendor::nvidia_device,
                               Vendor::nvidia_rim,
                               Vendor::azure_vtpm,
                               Vendor::google_vtpm,
                               Vendor::google_confidential_space,
                               Vendor::microsoft_tls,
                               Vendor::simulated};

std::string read_page() {
  std::ifstream file(SOTTO_SOURCE_DIR "/docs/roots.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Roots, are_self_signed_and_listed_by_their_fingerprints) {
  const Roots roots = Roots::pinned();
  const std::string page = read_page();
  for (Vendor vendor : kVendors) {
    const Anchors& anchors = roots.of(vendor);
    EXPECT_FALSE(anchors.roots.empty()) << to_string(vendor);
    EXPECT_FALSE(anchors.replaced);
    for (const crypto::Certificate& root : anchors.roots) {
      SCOPED_TRACE(root.subject());
      EXPECT_TRUE(root.self_signed());
      EXPECT_TRUE(root.is_ca());
      EXPECT_NE(page.find(hex_of(root.fingerprint())), std::string::npos);
    }
    for (const crypto::Certificate& one : anchors.intermediates) {
      SCOPED_TRACE(one.subject());
      EXPECT_FALSE(one.self_issued());
      EXPECT_NE(page.find(hex_of(one.fingerprint())), std::string::npos);
      const auto path =
          crypto::verify_chain(one, anchors.intermediates, anchors.roots, {}, one.not_before() + 1);
      EXPECT_TRUE(path.has_value()) << (path ? "" : path.error().message);
    }
  }
}

// As Intel, AMD and AWS publish them.
TEST(Roots, are_the_known_ones) {
  const Roots roots = Roots::pinned();
  EXPECT_EQ(hex_of(roots.of(Vendor::intel_sgx).roots.at(0).fingerprint()),
            "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3");
  EXPECT_EQ(hex_of(roots.of(Vendor::aws_nitro).roots.at(0).fingerprint()),
            "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b");
  EXPECT_EQ(roots.of(Vendor::amd).roots.size(), 3u);
  EXPECT_EQ(roots.of(Vendor::amd).intermediates.size(), 6u);
}

TEST(Roots, of_a_caller_stand_instead_and_are_marked) {
  Roots roots = Roots::pinned();
  roots.replace(Vendor::intel_sgx, roots.of(Vendor::aws_nitro).roots);
  EXPECT_TRUE(roots.of(Vendor::intel_sgx).replaced);
  EXPECT_EQ(roots.of(Vendor::intel_sgx).roots.size(), 1u);
  EXPECT_FALSE(roots.of(Vendor::amd).replaced);
  EXPECT_TRUE(Roots().of(Vendor::amd).roots.empty());
}

TEST(Evidence, kinds_go_by_their_names) {
  for (EvidenceKind kind : evidence_kinds()) EXPECT_EQ(evidence_kind(to_string(kind)), kind);
  EXPECT_EQ(evidence_kind("tdx-quote"), EvidenceKind::tdx_quote);
  EXPECT_EQ(evidence_kind("TDX-QUOTE"), std::nullopt);
}

TEST(Evidence, collateral_is_limited_and_missed_by_name) {
  Collateral collateral;
  EXPECT_TRUE(collateral.add("a", {1}));
  EXPECT_TRUE(collateral.add("a", {2}));
  EXPECT_EQ(collateral.need("a").value()[0], 2);
  EXPECT_EQ(collateral.need("b").error().reason, Reason::missing_collateral);
  EXPECT_FALSE(collateral.add("big", std::vector<uint8_t>(kCollateralBytesMax + 1)));
  for (uint64_t i = 1; i < kCollateralBlobsMax; ++i) {
    EXPECT_TRUE(collateral.add(std::to_string(i), {}));
  }
  EXPECT_FALSE(collateral.add("one more", {}));
  EXPECT_TRUE(collateral.add("a", {3}));
}

TEST(Rules, end_with_the_first_that_fails) {
  RuleList rules;
  EXPECT_TRUE(rules.require("one", true, Reason::policy, "1", "1"));
  const Verified<void> failed = rules.require("two", false, Reason::revoked, "2", "3");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "two: expected 2, actual 3");
  ASSERT_EQ(failed.error().rules.size(), 2u);
  EXPECT_EQ(failed.error().rules[0].verdict, RuleVerdict::passed);
  EXPECT_EQ(failed.error().rules[1].verdict, RuleVerdict::failed);
}

}  // namespace
}  // namespace sotto::attest

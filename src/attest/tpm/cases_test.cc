// Synthetic quotes get their verdicts: those that ship in testdata/, and the same made anew.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/cases_for_testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "attest/event_log/algorithms.h"
#include "attest/tpm/verify.h"

namespace sotto::attest::tpm {
namespace {

std::string verdict_of(const CaseForTesting& one, const std::vector<crypto::Certificate>& trusted) {
  Roots roots;
  roots.replace(Vendor::google_vtpm, trusted);
  const auto claims = verify_tpm_quote(one.evidence, {nonce_for_testing(), {}}, roots, one.time);
  return verdict_for_testing(claims, std::vector<Rule>());
}

TEST(TpmCases, that_ship_get_their_verdicts) {
  const auto shipped = read_cases_for_testing(SOTTO_TESTDATA_DIR "/attest/tpm-quote");
  std::set<std::string> rules;
  for (const CaseForTesting& one : shipped.cases) {
    EXPECT_EQ(verdict_of(one, shipped.roots), one.verdict + " " + one.rule) << one.name;
    rules.insert(one.rule);
  }
  // Every rule that can refuse, and "-" for those that are verified.
  EXPECT_EQ(rules.size(), 13u);
  fmt::print("tpm-quote, synthetic: {} cases\n", shipped.cases.size());
}

TEST(TpmCases, get_their_verdicts_when_they_are_made_anew) {
  const VendorForTesting vendor;
  for (const CaseForTesting& one : make_cases_for_testing(vendor)) {
    EXPECT_EQ(verdict_of(one, {vendor.root()}), one.verdict + " " + one.rule) << one.name;
  }
}

TEST(TpmCases, that_are_verified_have_all_their_rules) {
  const VendorForTesting vendor;
  const QuoteEvidence evidence = vendor.quote(vendor.p256(), Scheme::ecdsa, event_log::kSha256);
  Roots roots;
  roots.replace(Vendor::google_vtpm, {vendor.root()});
  const auto claims = verify_tpm_quote(as_bytes(serialize(evidence)), {nonce_for_testing(), {}},
                                       roots, VendorForTesting::kTime);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  std::set<std::string> names;
  for (const Rule& rule : claims->rules) names.insert(rule.name);
  EXPECT_EQ(names, (std::set<std::string>{
                       "tpm-evidence", "tpm-key", "tpm-key-attributes", "tpm-key-certificate",
                       "tpm-key-chain", "tpm-key-name", "tpm-key-primary", "tpm-pcr-digest",
                       "tpm-qualifying-data", "tpm-quote", "tpm-quote-signature"}));
}

// A key that the caller knows needs no certificate, and says so.
TEST(TpmCases, by_a_key_that_the_caller_names_need_no_certificate) {
  const VendorForTesting vendor;
  QuoteEvidence evidence = vendor.quote(vendor.p256(), Scheme::ecdsa, event_log::kSha256);
  evidence.certificate.clear();
  const QuoteOptions options{nonce_for_testing(), {vendor.p256().public_key().spki()}};
  const auto claims = verify_quote(evidence, options, Roots(), 0);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_TRUE(std::ranges::any_of(claims->rules,
                                  [](const Rule& rule) { return rule.name == "tpm-key-trusted"; }));
}

}  // namespace
}  // namespace sotto::attest::tpm

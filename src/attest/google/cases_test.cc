// Synthetic endorsements that ship in testdata/ get their verdicts, and so do the same made anew.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "attest/google/endorsement_for_testing.h"
#include "attest/google/verify.h"

namespace sotto::attest::google {
namespace {

std::string verdict_of(const CaseForTesting& one, const std::vector<crypto::Certificate>& trusted) {
  Roots roots;
  roots.replace(Vendor::google_firmware, trusted);
  return verdict_for_testing(verify_endorsement(one.evidence, roots, one.time),
                             std::vector<Rule>());
}

TEST(GoogleCases, that_ship_get_their_verdicts) {
  const auto shipped = read_cases_for_testing(SOTTO_TESTDATA_DIR "/attest/google-endorsement");
  std::set<std::string> rules;
  for (const CaseForTesting& one : shipped.cases) {
    EXPECT_EQ(verdict_of(one, shipped.roots), one.verdict + " " + one.rule) << one.name;
    rules.insert(one.rule);
  }
  // Four rules that can refuse, and "-".
  EXPECT_EQ(rules.size(), 5u);
  fmt::print("google-endorsement, synthetic: {} cases\n", shipped.cases.size());
}

TEST(GoogleCases, get_their_verdicts_when_they_are_made_anew) {
  const EndorserForTesting endorser(1'750'000'000);
  for (const CaseForTesting& one : make_cases_for_testing(endorser)) {
    EXPECT_EQ(verdict_of(one, {endorser.root()}), one.verdict + " " + one.rule) << one.name;
  }
}

}  // namespace
}  // namespace sotto::attest::google

// Synthetic documents get their verdicts: those that ship in testdata/, and the same made anew.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "attest/appraise/appraise.h"
#include "attest/nitro/cases_for_testing.h"
#include "attest/nitro/verify.h"

namespace sotto::attest::nitro {
namespace {

std::string verdict_of(const CaseForTesting& one, const std::vector<crypto::Certificate>& trusted) {
  Roots roots;
  roots.replace(Vendor::aws_nitro, trusted);
  const auto claims = verify_nitro_document(one.evidence, roots, one.time);
  const Appraisal appraisal = appraise(claims, default_policy());
  if (appraisal.verified) return "verified -";
  const auto failed = std::ranges::find(appraisal.rules, RuleVerdict::failed, &Rule::verdict);
  return fmt::format("{} {}", to_string(appraisal.error->reason),
                     failed == appraisal.rules.end() ? "-" : failed->name);
}

TEST(NitroCases, that_ship_get_their_verdicts) {
  const auto shipped = read_cases_for_testing(SOTTO_TESTDATA_DIR "/attest/nitro-document");
  std::set<std::string> rules;
  for (const CaseForTesting& one : shipped.cases) {
    EXPECT_EQ(verdict_of(one, shipped.roots), one.verdict + " " + one.rule) << one.name;
    rules.insert(one.rule);
  }
  // Every rule that can refuse by the default policy, and "-" for those that are verified.
  EXPECT_EQ(rules.size(), 9u);
  fmt::print("nitro-document, synthetic: {} cases\n", shipped.cases.size());
}

TEST(NitroCases, get_their_verdicts_when_they_are_made_anew) {
  const SignerForTesting signer;
  for (const CaseForTesting& one : make_cases_for_testing(signer)) {
    EXPECT_EQ(verdict_of(one, {signer.root()}), one.verdict + " " + one.rule) << one.name;
  }
}

}  // namespace
}  // namespace sotto::attest::nitro

// The synthetic tokens that ship in testdata/ get their verdicts, and so do the same made anew.
// SPDX-License-Identifier: Apache-2.0
#include "attest/token/cases_for_testing.h"

#include <gtest/gtest.h>

#include <set>

#include "attest/token/verify.h"

namespace sotto::attest::token {
namespace {

std::string verdict_of(EvidenceKind kind, const CaseForTesting& one) {
  const Roots roots;  // none: keys that are given are believed
  const auto verify = kind == EvidenceKind::maa_token         ? verify_maa_token
                      : kind == EvidenceKind::ita_token       ? verify_ita_token
                      : kind == EvidenceKind::google_cs_token ? verify_google_cs_token
                                                              : verify_nras_token;
  return verdict_for_testing(verify(one.evidence, one.collateral, roots, one.time, {}),
                             std::vector<Rule>());
}

TEST(TokenCases, get_their_verdicts_as_they_ship_and_made_anew) {
  const crypto::KeyPair service(crypto::KeyType::ec_p384);
  for (const auto& [kind, count] :
       {std::pair(EvidenceKind::maa_token, 14U), std::pair(EvidenceKind::ita_token, 15U),
        std::pair(EvidenceKind::google_cs_token, 14U), std::pair(EvidenceKind::nras_token, 12U)}) {
    SCOPED_TRACE(to_string(kind));
    const auto shipped = read_cases_for_testing(
        std::filesystem::path(SOTTO_TESTDATA_DIR "/attest") / to_string(kind));
    std::set<std::string> rules;
    for (const CaseForTesting& one : shipped.cases) {
      EXPECT_EQ(verdict_of(kind, one), one.verdict + " " + one.rule) << one.name;
      rules.insert(one.rule);
    }
    EXPECT_EQ(rules.size(), count);
    for (const CaseForTesting& one : make_cases_for_testing(kind, service)) {
      EXPECT_EQ(verdict_of(kind, one), one.verdict + " " + one.rule) << one.name;
    }
    fmt::print("{}, synthetic: {} cases\n", to_string(kind), shipped.cases.size());
  }
}

}  // namespace
}  // namespace sotto::attest::token

// Synthetic quotes get their verdicts: those that ship in testdata/, and the same made anew.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/cases_for_testing.h"

#include <gtest/gtest.h>

#include <set>

#include "attest/tdx/verify.h"

namespace sotto::attest::tdx {
namespace {

std::string verdict_of(const CaseForTesting& one, const std::vector<crypto::Certificate>& trusted,
                       bool tdx) {
  Roots roots;
  roots.replace(Vendor::intel_sgx, trusted);
  const auto verify = tdx ? verify_tdx_quote : verify_sgx_quote;
  return verdict_for_testing(verify(one.evidence, one.collateral, roots, one.time),
                             std::vector<Rule>());
}

TEST(TdxCases, that_ship_get_their_verdicts) {
  for (const auto& [kind, count] : {std::pair("tdx-quote", 35u), std::pair("sgx-quote", 30u)}) {
    const bool tdx = std::string(kind) == "tdx-quote";
    const auto shipped =
        read_cases_for_testing(std::filesystem::path(SOTTO_TESTDATA_DIR "/attest") / kind);
    std::set<std::string> rules;
    for (const CaseForTesting& one : shipped.cases) {
      EXPECT_EQ(verdict_of(one, shipped.roots, tdx), one.verdict + " " + one.rule) << one.name;
      rules.insert(one.rule);
    }
    // Every rule that can refuse what is well formed, and "-" for those that are verified.
    EXPECT_EQ(rules.size(), count);
    fmt::print("{}, synthetic: {} cases\n", kind, shipped.cases.size());
  }
}

TEST(TdxCases, get_their_verdicts_when_they_are_made_anew) {
  const SimulatedPlatform platform;
  const auto roots = platform.make().roots.of(Vendor::intel_sgx).roots;
  for (const CaseForTesting& one : make_cases_for_testing(platform)) {
    EXPECT_EQ(verdict_of(one, roots, true), one.verdict + " " + one.rule) << one.name;
  }
}

}  // namespace
}  // namespace sotto::attest::tdx

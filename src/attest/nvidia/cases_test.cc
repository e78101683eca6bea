// The synthetic evidence of GPUs that ships in testdata/ gets its verdicts.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "attest/case_for_testing.h"
#include "attest/nvidia/verify.h"

namespace sotto::attest::nvidia {
namespace {

TEST(NvidiaCases, that_ship_get_their_verdicts) {
  const auto shipped = read_cases_for_testing(SOTTO_TESTDATA_DIR "/attest/nvidia-gpu-report");
  Roots roots;
  roots.replace(Vendor::nvidia_device, shipped.roots);
  roots.replace(Vendor::nvidia_rim, shipped.roots);
  std::set<std::string> rules;
  for (const CaseForTesting& one : shipped.cases) {
    EXPECT_EQ(verdict_for_testing(verify_gpu_report(one.evidence, one.collateral, roots, one.time),
                                  std::vector<Rule>()),
              one.verdict + " " + one.rule)
        << one.name;
    rules.insert(one.rule);
  }
  // Every rule that can refuse without options, and "-" for what is verified.
  EXPECT_EQ(rules.size(), 16U);
  fmt::print("nvidia-gpu-report, synthetic: {} cases\n", shipped.cases.size());
}

}  // namespace
}  // namespace sotto::attest::nvidia

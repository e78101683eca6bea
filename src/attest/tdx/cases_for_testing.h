// Ways in which a quote or its collateral can be wrong, one for each rule, and what verification says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "attest/case_for_testing.h"
#include "attest/tdx/simulated_platform.h"

namespace sotto::attest::tdx {

struct RefusalForTesting {
  std::string expected;  // "REASON RULE"
  std::function<void(SimulatedPlatform&)> spoil;
};
// For both TEEs, and for trust domains only.
const std::vector<RefusalForTesting>& refusals_for_testing();
const std::vector<RefusalForTesting>& td_refusals_for_testing();

// Good quotes of each kind of report, and one for every refusal, all under `platform`'s root key; by
// verification alone. Spoilt roots are left out: they could not be one root for all.
std::vector<CaseForTesting> make_cases_for_testing(const SimulatedPlatform& platform);

}  // namespace sotto::attest::tdx

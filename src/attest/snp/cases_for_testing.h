// Synthetic SNP reports: a few that are right, and one for each rule that may refuse one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attest/case_for_testing.h"
#include "attest/snp/signer_for_testing.h"

namespace sotto::attest::snp {

// Under `signer`'s root, whose intermediates come as collateral; by the default policy.
std::vector<CaseForTesting> make_cases_for_testing(const SignerForTesting& signer);

}  // namespace sotto::attest::snp

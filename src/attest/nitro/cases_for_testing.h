// Synthetic attestation documents: a few that are right, and one for each rule that may refuse one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attest/case_for_testing.h"
#include "attest/nitro/signer_for_testing.h"

namespace sotto::attest::nitro {

// The signer of most of them; for leaves that are wrong themselves, others with the same root.
std::vector<CaseForTesting> make_cases_for_testing(const SignerForTesting& signer);

}  // namespace sotto::attest::nitro

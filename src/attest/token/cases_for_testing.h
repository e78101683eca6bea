// Synthetic tokens of each service: a good one, and one for each rule that refuses one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attest/case_for_testing.h"
#include "crypto/issue.h"

namespace sotto::attest::token {

// Of maa_token, ita_token, google_cs_token or nras_token, by a key on P-384 that the collateral names.
std::vector<CaseForTesting> make_cases_for_testing(EvidenceKind kind,
                                                   const crypto::KeyPair& service);

}  // namespace sotto::attest::token

// Verifying quotes of the simulated TEE: all that is checked of real ones, under a root of no worth.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "attest/claims.h"
#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/verify_error.h"
#include "base/bytes.h"

namespace sotto::attest::simulated {

// Evidence of kind simulated_quote; collateral and rules as tdx/verify.h has them. Claims of platform
// "simulated" with the flag `simulated`, which no policy accepts that does not allow it by name.
Verified<Claims> verify_simulated_quote(Bytes evidence, const Collateral& collateral,
                                        const Roots& roots, int64_t time);

}  // namespace sotto::attest::simulated

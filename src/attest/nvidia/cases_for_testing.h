// Synthetic evidence of GPUs: one that is good, and every way in which a rule refuses one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attest/case_for_testing.h"
#include "attest/nvidia/device_for_testing.h"

namespace sotto::attest::nvidia {

// All of them under the device's roots: each changes one thing about `device`.
std::vector<CaseForTesting> make_cases_for_testing(const DeviceForTesting& device);

}  // namespace sotto::attest::nvidia

// The JSON that Azure's paravisor binds to the hardware report.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/azure/hcl_report.h"

namespace sotto::attest::azure {

// `malformed` without exactly one RSA key named HCLAkPub of 2048 to 4096 bits, and for fields of
// another type than theirs.
Result<RuntimeData> parse_runtime_json(Bytes json);

}  // namespace sotto::attest::azure

// The hardware's own verification under an HCL report: an SNP report as AMD signs it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/azure/verify.h"
#include "attest/roots.h"

namespace sotto::attest::azure {

// For verify_hcl_report(). Collateral of SNP is snp/verify.h's, or IMDS's answer (kThimBlob) in place of the
// key's certificate. `roots` must outlive the result.
HardwareVerifier hardware_verifier(const Roots& roots, int64_t time);

}  // namespace sotto::attest::azure

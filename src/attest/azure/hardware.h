// The hardware's own verification under an HCL report: AMD's of the SNP report, Intel's of the TD quote.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/azure/verify.h"
#include "attest/roots.h"

namespace sotto::attest::azure {

// For verify_hcl_report(). Collateral is what snp/verify.h and tdx/verify.h name; for SNP, IMDS's answer
// (kThimBlob) may stand for the key's certificate. `roots` must outlive the result.
HardwareVerifier hardware_verifier(const Roots& roots, int64_t time);

}  // namespace sotto::attest::azure

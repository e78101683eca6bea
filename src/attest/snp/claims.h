// What a verified SNP report claims.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "attest/claims.h"
#include "attest/snp/endorsement.h"
#include "attest/snp/report.h"
#include "crypto/x509.h"

namespace sotto::attest::snp {

// Everything by reference; all of it verified.
struct ClaimsInput {
  const ReportUnverified& report;
  const EndorsementUnverified& endorsement;
  const std::vector<crypto::Certificate>& path;
  const crypto::Crl* crl;  // null where none was given
  int64_t time;
};

// Everything but the rules and whether the root was replaced.
Claims make_claims(const ClaimsInput& input);

}  // namespace sotto::attest::snp

// What of an Azure machine's claims is acceptable: its hardware's rules, and the paravisor's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attest/claims.h"
#include "attest/snp/policy.h"
#include "attest/tpm/policy.h"
#include "attest/verify_error.h"

namespace sotto::attest::azure {

// As made, the default. The vTPM's quote is what is fresh and the caller's, so it is needed always: without
// it, what was verified is a report that anybody may have copied.
struct Policy {
  snp::Policy snp = {};                         // of machines with AMD's hardware
  bool allow_debug = false;                     // of machines with Intel's
  tpm::Policy tpm = {.need_event_log = false};  // Azure's guests rarely send it
  bool need_secure_boot = true;
  bool allow_console = true;  // Azure enables its serial console on every machine
};

// The rules that were looked at, all passed; or the first that failed, with those before it. `claims`
// are of kind azure_hcl_report.
Verified<std::vector<Rule>> appraise(const Claims& claims, const Policy& policy);

}  // namespace sotto::attest::azure

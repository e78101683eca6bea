// What of a TPM's claims is acceptable: the rules that no other platform has.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "attest/claims.h"
#include "attest/verify_error.h"

namespace sotto::attest::tpm {

// Which PCRs may have which values is a policy's matter for every platform (measurements by name). As
// made, the default: the firmware's log explains what it extends, and the registers that say what was
// started are among those that were quoted.
struct Policy {
  bool need_event_log = true;
  // Registers that must be quoted: firmware, boot loaders, Secure Boot, kernel (of a UKI: 11).
  std::vector<std::string> needed_registers = {"pcr0", "pcr4", "pcr7"};
  // Registers that may have been extended without any event that the logs tell of; by default those
  // that running systems extend: IMA's 10, systemd's 11 to 15, the application's 16 and 23.
  std::vector<uint32_t> unexplained_allowed = {10, 11, 12, 13, 14, 15, 16, 23};
};

// The rules that were looked at, all passed; or the first that failed, with those before it. For claims
// of any kind that a TPM's quote is part of.
Verified<std::vector<Rule>> appraise(const Claims& claims, const Policy& policy);

}  // namespace sotto::attest::tpm

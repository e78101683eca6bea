// What of a Nitro document's own claims is acceptable: the rules that no other platform has.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "attest/claims.h"
#include "attest/verify_error.h"

namespace sotto::attest::nitro {

// As made, the default: no debug, any age.
struct Policy {
  bool allow_debug = false;
  bool allow_tpm = true;  // a NitroTPM, whose machine's memory its host can read
  std::optional<int64_t> age_seconds_max = {};
};

// The rules that were looked at, all passed; or the first that failed, with those before it.
Verified<std::vector<Rule>> appraise(const Claims& claims, const Policy& policy);

}  // namespace sotto::attest::nitro

// A policy that pins what was observed, for people to go on from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "attest/claims.h"

namespace sotto::attest {

// TOML that parse_policy() reads and that accepts claims like these, a table per platform, each value with a
// comment on what it is and when it changes. What differs from request to request (report data, nonces) is
// not pinned; of several claims of one platform every value that was seen is accepted.
std::string policy_text(const std::string& name, const std::vector<Claims>& all);

}  // namespace sotto::attest

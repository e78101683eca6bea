// Claims against a policy: one visible list of rules and one verdict, in the terms of [RFC9334].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/appraise/policy.h"
#include "attest/claims.h"
#include "attest/verify_error.h"

namespace sotto::attest {

struct Appraisal {
  bool verified = false;
  std::string policy;                // its name
  std::optional<Claims> claims;      // nothing when verification itself refused the evidence
  std::vector<Rule> rules;           // those of verification, then those of the policy
  std::optional<VerifyError> error;  // the first rule that failed, where not verified
};

// Verified exactly when every rule of the evidence's kind was run by verification and passed
// (required_rules.h), none was skipped, and every rule of the policy passed. All rules of the policy are
// looked at, also after one failed. Pure.
Appraisal appraise(const Claims& claims, const Policy& policy);

// Evidence that did not verify has an appraisal too.
Appraisal appraise(const Verified<Claims>& claims, const Policy& policy);

}  // namespace sotto::attest

// Holding a document's claims against a policy.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nitro/policy.h"

#include "base/check.h"

namespace sotto::attest::nitro {

Verified<std::vector<Rule>> appraise(const Claims& claims, const Policy& policy) {
  CHECK(claims.kind == EvidenceKind::nitro_document && claims.issued_at);
  RuleList rules;
  TRY(rules.require("debug", !claims.debug || policy.allow_debug, Reason::debug,
                    policy.allow_debug ? "either" : "PCR0, PCR1 and PCR2 not zero",
                    claims.debug ? "zero: an enclave in debug mode" : "not zero"));
  const bool tpm = claims.platform == "aws-nitrotpm";
  TRY(rules.require("enclave", !tpm || policy.allow_tpm, Reason::policy,
                    policy.allow_tpm ? "an enclave or a NitroTPM" : "an enclave",
                    tpm ? "a NitroTPM" : "an enclave"));
  if (policy.age_seconds_max) {
    const int64_t age = claims.verified_at - *claims.issued_at;
    TRY(rules.require("age", age <= *policy.age_seconds_max, Reason::expired,
                      fmt::format("at most {} seconds", *policy.age_seconds_max),
                      fmt::format("{} seconds", age)));
  }
  return rules.rules();
}

}  // namespace sotto::attest::nitro

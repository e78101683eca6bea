// Holding Azure's claims against a policy.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/policy.h"

#include <algorithm>

#include "base/check.h"

namespace sotto::attest::azure {
namespace {

// A flag that the paravisor may not have told.
std::string flag(const Claims& claims, std::string_view name) {
  const auto found = claims.flags.find(name);
  if (found == claims.flags.end()) return "untold";
  return found->second ? "yes" : "no";
}

// Another folder's rules become ours; its error has those before it in front.
Verified<void> append(RuleList& rules, Verified<std::vector<Rule>> more) {
  const std::vector<Rule>& list = more ? *more : more.error().rules;
  for (const Rule& rule : list) rules.record(rule.name, rule.verdict, rule.expected, rule.actual);
  if (!more) return rules.with_rules(std::move(more).error());
  return {};
}

Verified<void> check_hardware(RuleList& rules, const Claims& claims, const Policy& policy) {
  if (claims.platform == "azure-sev-snp") {
    Claims hardware = claims;
    hardware.kind = EvidenceKind::snp_report;
    return append(rules, snp::appraise(hardware, policy.snp));
  }
  return rules.require("debug", policy.allow_debug || !claims.debug, Reason::debug,
                       policy.allow_debug ? "either" : "no", claims.debug ? "yes" : "no");
}

}  // namespace

Verified<std::vector<Rule>> appraise(const Claims& claims, const Policy& policy) {
  CHECK(claims.kind == EvidenceKind::azure_hcl_report);
  RuleList rules;
  TRY(check_hardware(rules, claims, policy));
  const bool quoted = std::ranges::any_of(claims.rules, [](const Rule& rule) {
    return rule.name == "tpm-quote-signature" && rule.verdict == RuleVerdict::passed;
  });
  TRY(rules.require("vtpm-quote", quoted, Reason::missing_collateral, "there",
                    quoted ? "there" : "none"));
  TRY(rules.require("vtpm", flag(claims, "tpm_enabled") == "yes", Reason::policy, "yes",
                    flag(claims, "tpm_enabled")));
  TRY(rules.require("secure-boot", !policy.need_secure_boot || flag(claims, "secure_boot") == "yes",
                    Reason::policy, policy.need_secure_boot ? "yes" : "either",
                    flag(claims, "secure_boot")));
  TRY(rules.require("console", policy.allow_console || flag(claims, "console_enabled") == "no",
                    Reason::policy, policy.allow_console ? "either" : "no",
                    flag(claims, "console_enabled")));
  TRY(append(rules, tpm::appraise(claims, policy.tpm)));
  return rules.rules();
}

}  // namespace sotto::attest::azure

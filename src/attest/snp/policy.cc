// Holding SNP's claims against a policy.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/policy.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/text_encoding.h"

namespace sotto::attest::snp {
namespace {

std::string yes_or_no(bool yes) {
  return yes ? "yes" : "no";
}

uint32_t number_of(const std::string& text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  CHECK(error == std::errc() && end == text.data() + text.size());  // we wrote it
  return number;
}

// A flag that a policy may insist on having one way.
Verified<void> check_flag(RuleList& rules, std::string_view name, bool actual, bool wanted,
                          bool insists, Reason reason = Reason::policy) {
  return rules.require(name, !insists || actual == wanted, reason,
                       insists ? yes_or_no(wanted) : std::string("either"), yes_or_no(actual));
}

Verified<void> check_digest(RuleList& rules, std::string_view name,
                            const std::vector<uint8_t>& actual,
                            const std::vector<std::vector<uint8_t>>& accepted) {
  if (accepted.empty()) return {};
  const bool known = std::ranges::find(accepted, actual) != accepted.end();
  return rules.require(name, known, Reason::policy,
                       fmt::format("one of {} digests", accepted.size()), hex_of(actual));
}

Verified<void> check_tcb(RuleList& rules, const Tcb& tcb, const Policy& policy) {
  for (const auto& [component, floor] : policy.tcb_floor) {
    const auto found = tcb.components.find(component);
    const bool present = found != tcb.components.end();
    TRY(rules.require("tcb-" + component, present && number_of(found->second) >= floor,
                      Reason::policy, fmt::format("at least {}", floor),
                      present ? found->second : std::string("none")));
  }
  return {};
}

}  // namespace

Verified<std::vector<Rule>> appraise(const Claims& claims, const Policy& policy) {
  CHECK(claims.kind == EvidenceKind::snp_report && claims.tcb);
  RuleList rules;
  const auto flag = [&](std::string_view name) { return claims.flags.find(name)->second; };
  TRY(check_flag(rules, "debug", claims.debug, false, !policy.allow_debug, Reason::debug));
  TRY(check_flag(rules, "migration", flag("migratable"), false, !policy.allow_migration));
  TRY(check_flag(rules, "smt", flag("smt"), false, !policy.allow_smt));
  TRY(check_flag(rules, "hidden-chip", flag("chip_id_hidden"), false, !policy.allow_hidden_chip));
  const std::string& vmpl = claims.notes.find("vmpl")->second;
  TRY(rules.require("vmpl", number_of(vmpl) <= policy.vmpl_max, Reason::policy,
                    fmt::format("at most {}", policy.vmpl_max), vmpl));
  TRY(check_flag(rules, "revocation-checked", flag("revocation_checked"), true,
                 policy.need_revocation_check));
  TRY(check_flag(rules, "id-block", flag("id_block"), true, policy.need_id_block));
  TRY(check_digest(rules, "id-key", claims.values.find("id_key_digest")->second,
                   policy.id_key_digests));
  TRY(check_digest(rules, "author-key", claims.values.find("author_key_digest")->second,
                   policy.author_key_digests));
  TRY(check_tcb(rules, *claims.tcb, policy));
  return rules.rules();
}

}  // namespace sotto::attest::snp

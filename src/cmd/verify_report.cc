// Printing an appraisal.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/verify_report.h"

#include <fmt/color.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_encoding.h"
#include "base/utc_time.h"
#include "cmd/terminal.h"

namespace sotto::cmd {
namespace {

using namespace attest;

constexpr size_t kValueCharactersShown = 64;

// Text from evidence must not drive the terminal, and a value's beginning is enough for a table.
std::string shown(std::string_view value) {
  std::string text = printable(value);
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() <= kValueCharactersShown) return text;
  size_t cut = kValueCharactersShown;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return text.substr(0, cut) + "…";
}

void print_coloured(fmt::color colour, const std::string& text) {
  if (colours_wanted(stdout)) {
    fmt::print(fmt::fg(colour), "{}", text);
  } else {
    fmt::print("{}", text);
  }
}

void print_claims(const Claims& claims) {
  fmt::print("\nPlatform {}\n", claims.platform);
  for (const auto& [name, bytes] : claims.measurements) {
    fmt::print("  {:<16} {}\n", name, hex_of(bytes));
  }
  fmt::print("  {:<16} {}\n", "report data", hex_of(claims.report_data));
  if (claims.tcb) {
    const Tcb& tcb = *claims.tcb;
    const fmt::color colour = tcb.grade == TcbGrade::up_to_date            ? fmt::color::green
                              : tcb.grade == TcbGrade::needs_configuration ? fmt::color::gold
                                                                           : fmt::color::red;
    fmt::print("  {:<16} ", "TCB");
    print_coloured(colour, printable(tcb.status));
    if (tcb.date) fmt::print(", level of {}", utc_time_text(*tcb.date).substr(0, 10));
    if (tcb.releases_behind > 0) fmt::print(", {} releases behind", tcb.releases_behind);
    for (const std::string& id : tcb.advisories) fmt::print(" {}", printable(id));
    fmt::print("\n");
  }
  fmt::print("  {:<16} {}\n", "as of", utc_time_text(claims.verified_at));
  if (claims.valid_until) {
    fmt::print("  {:<16} {}\n", "valid until", utc_time_text(*claims.valid_until));
  }
}

std::string_view advice_of(Reason reason) {
  switch (reason) {
    case Reason::missing_collateral:
      return "Give the missing piece with --collateral.";
    case Reason::wrong_collateral:
      return "Get the collateral that belongs to this machine.";
    case Reason::expired:
    case Reason::not_yet_valid:
      return "Get fresh evidence and collateral, or name the time it was made at with --at.";
    case Reason::untrusted_root:
      return "The chain does not end at the vendor: this is no evidence of the vendor's machine.";
    case Reason::tcb_not_supported:
      return "The platform's firmware is older than anything the vendor still judges.";
    case Reason::policy:
      return "Update the platform, or name what you accept in a policy (docs/reference/policy.md).";
    case Reason::debug:
      return "The host can read this guest's memory: send it nothing.";
    case Reason::wrong_kind:
      return "Name the evidence's own kind with --kind.";
    default:
      return "Do not trust this evidence.";
  }
}

bool pins_a_measurement(const Appraisal& appraisal) {
  return std::any_of(appraisal.rules.begin(), appraisal.rules.end(),
                     [](const Rule& rule) { return rule.name.starts_with("measurement "); });
}

void print_statement(const BundleAppraisal& appraisal) {
  if (!appraisal.statement) return;
  const Statement& statement = *appraisal.statement;
  fmt::print("\nStatement {}\n", hex_of(appraisal.statement_sha256));
  fmt::print("  {:<16} sotto {}, {}\n", "program", printable(statement.program_version),
             hex_of(statement.program_sha256));
  fmt::print("  {:<16} {}\n", "configuration", hex_of(statement.configuration_sha256));
  for (const StatedModel& model : statement.models) {
    fmt::print("  {:<16} {}, {}\n", "model", printable(model.name), hex_of(model.model_root));
  }
  const auto key = [](const char* name, const std::vector<uint8_t>& bytes) {
    if (!bytes.empty()) fmt::print("  {:<16} {}\n", name, shown(hex_of(bytes)));
  };
  key("TLS key", statement.tls_spki_sha256);
  key("OHTTP keys", statement.ohttp_keys);
  key("receipt key", statement.receipt_key);
  fmt::print("  {:<16} {} to {}\n", "valid", utc_time_text(statement.started_at),
             utc_time_text(statement.valid_until));
}

bool is_simulated(const BundleAppraisal& appraisal) {
  return std::any_of(appraisal.evidence.begin(), appraisal.evidence.end(),
                     [](const Appraisal& one) {
                       return one.claims && one.claims->kind == EvidenceKind::simulated_quote;
                     });
}

void print_rejected(const VerifyError& error) {
  print_coloured(fmt::color::red, "REJECTED");
  fmt::print(" {}: {}\n{}\n", to_string(error.reason), printable(error.message),
             advice_of(error.reason));
}

void print_root_replaced() {
  print_coloured(fmt::color::red,
                 "The vendor's root was replaced by --root: this proves nothing about the vendor's "
                 "hardware.\n");
}

}  // namespace

void print_rules(const std::vector<Rule>& rules) {
  size_t width = 0;
  for (const Rule& rule : rules) width = std::max(width, rule.name.size());
  for (const Rule& rule : rules) {
    const bool passed = rule.verdict == RuleVerdict::passed;
    const fmt::color colour = passed                                 ? fmt::color::green
                              : rule.verdict == RuleVerdict::skipped ? fmt::color::gold
                                                                     : fmt::color::red;
    print_coloured(colour, fmt::format("  {:<7}", to_string(rule.verdict)));
    fmt::print("  {:<{}}  {}\n", rule.name, width, shown(rule.actual));
    if (!passed) fmt::print("  {:7}  {:<{}}  expected: {}\n", "", "", width, shown(rule.expected));
  }
}

void print_appraisal(const Appraisal& appraisal, bool root_given) {
  print_rules(appraisal.rules);
  if (appraisal.claims) print_claims(*appraisal.claims);
  fmt::print("\n");
  if (root_given) print_root_replaced();
  if (appraisal.verified) {
    print_coloured(fmt::color::green, "VERIFIED");
    fmt::print(" by the policy \"{}\"\n", printable(appraisal.policy));
    if (!pins_a_measurement(appraisal)) {
      print_coloured(fmt::color::gold,
                     "The policy pins no measurement: this is a genuine platform, running whatever "
                     "the measurements above stand for.\n");
    }
    return;
  }
  print_rejected(*appraisal.error);
}

void print_bundle_appraisal(const BundleAppraisal& appraisal, bool root_given) {
  fmt::print("Bundle\n");
  print_rules(appraisal.rules);
  for (const Appraisal& one : appraisal.evidence) {
    fmt::print("\nEvidence\n");
    print_rules(one.rules);
    if (one.claims) print_claims(*one.claims);
  }
  for (const event_log::MeasuredEvent& event : appraisal.events) {
    fmt::print("  rtmr{}  {}  {}\n", event.reg, event.type, shown(event.text));
  }
  print_statement(appraisal);
  fmt::print("\n");
  if (root_given) print_root_replaced();
  if (is_simulated(appraisal)) {
    print_coloured(fmt::color::red, "This TEE is simulated: it protects nothing.\n");
  }
  if (!appraisal.verified) {
    print_rejected(*appraisal.error);
    if (is_simulated(appraisal)) fmt::print("To try it all the same: --allow-simulated.\n");
    return;
  }
  print_coloured(fmt::color::green, "VERIFIED");
  fmt::print(" by the policy \"{}\"\n", printable(appraisal.evidence.front().policy));
  if (appraisal.program_pinned) return;
  print_coloured(fmt::color::gold,
                 "The policy pins no measurement: this platform is what it says, running whatever "
                 "the measurements above stand for. The statement is that program's word.\n");
}

}  // namespace sotto::cmd

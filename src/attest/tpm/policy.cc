// Holding a TPM's claims against a policy.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/policy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace sotto::attest::tpm {
namespace {

// "10, 23", as verify.cc writes it.
std::vector<uint32_t> numbers_of(std::string_view list) {
  std::vector<uint32_t> numbers;
  while (!list.empty()) {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), number);
    CHECK(error == std::errc());
    numbers.push_back(number);
    list.remove_prefix(static_cast<size_t>(end - list.data()));
    if (list.starts_with(", ")) list.remove_prefix(2);
  }
  return numbers;
}

Verified<void> check_log(RuleList& rules, const Claims& claims, const Policy& policy) {
  const auto note = claims.notes.find("event_log_unexplained");
  const bool has_log = note != claims.notes.end();
  TRY(rules.require("event-log", has_log || !policy.need_event_log, Reason::policy,
                    policy.need_event_log ? "there" : "either", has_log ? "there" : "none"));
  if (!has_log) return {};
  for (const uint32_t pcr : numbers_of(note->second)) {
    const bool allowed =
        std::ranges::find(policy.unexplained_allowed, pcr) != policy.unexplained_allowed.end();
    TRY(rules.require("event-log-complete", allowed, Reason::policy,
                      fmt::format("none but {}", fmt::join(policy.unexplained_allowed, ", ")),
                      fmt::format("PCR {}", pcr)));
  }
  return {};
}

}  // namespace

Verified<std::vector<Rule>> appraise(const Claims& claims, const Policy& policy) {
  RuleList rules;
  for (const std::string& name : policy.needed_registers) {
    TRY(rules.require("quoted-registers", claims.measurements.contains(name), Reason::policy, name,
                      claims.measurements.contains(name) ? name : "not quoted"));
  }
  TRY(check_log(rules, claims, policy));
  return rules.rules();
}

}  // namespace sotto::attest::tpm

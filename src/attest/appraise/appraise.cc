// The rules of a policy.
// SPDX-License-Identifier: Apache-2.0
#include "attest/appraise/appraise.h"

#include <algorithm>
#include <charconv>

#include "attest/appraise/required_rules.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest {
namespace {

std::string any_of_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " or ") + word;
  return text;
}

std::string any_of_text(const std::vector<std::vector<uint8_t>>& values) {
  std::vector<std::string> words;
  for (const std::vector<uint8_t>& value : values) words.push_back(hex_of(value));
  return any_of_text(words);
}

template <class T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

class Appraiser {
 public:
  Appraiser(const Claims& claims, const Policy& policy) : claims_(claims) {
    appraisal_.policy = policy.name;
    appraisal_.claims = claims;
    appraisal_.rules = claims.rules;
    check_verification();
    const auto found = policy.platforms.find(claims.platform);
    std::vector<std::string> accepted;
    for (const auto& [name, one] : policy.platforms) accepted.push_back(name);
    rule("policy-platform", found != policy.platforms.end(), Reason::policy, any_of_text(accepted),
         claims.platform);
    if (found == policy.platforms.end()) return;
    check_protection(found->second);
    check_tcb(found->second);
    check_named(found->second);
  }

  Appraisal finish() {
    appraisal_.verified = !appraisal_.error.has_value();
    if (appraisal_.error) appraisal_.error->rules = appraisal_.rules;
    return std::move(appraisal_);
  }

 private:
  void rule(std::string name, bool holds, Reason reason, std::string expected, std::string actual) {
    if (!holds && !appraisal_.error) {
      appraisal_.error =
          VerifyError{reason, fmt::format("{}: expected {}, actual {}", name, expected, actual)};
    }
    appraisal_.rules.push_back({std::move(name), holds ? RuleVerdict::passed : RuleVerdict::failed,
                                std::move(expected), std::move(actual)});
  }

  void check_verification() {
    std::string missing;
    const std::vector<std::string_view> required = required_rules(claims_.kind, claims_.platform);
    for (std::string_view name : required) {
      const bool passed = std::any_of(
          claims_.rules.begin(), claims_.rules.end(),
          [&](const Rule& one) { return one.name == name && one.verdict == RuleVerdict::passed; });
      if (!passed) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", name);
    }
    for (const Rule& one : claims_.rules) {
      if (one.verdict == RuleVerdict::passed) continue;
      missing +=
          fmt::format("{}{} {}", missing.empty() ? "" : ", ", one.name, to_string(one.verdict));
    }
    rule("verification-complete", missing.empty() && !required.empty(), Reason::policy,
         fmt::format("all {} rules of {} passed", required.size(), to_string(claims_.kind)),
         !missing.empty()   ? "without " + missing
         : required.empty() ? "this kind proves no machine"
                            : "all passed");
  }

  void check_protection(const PlatformPolicy& policy) {
    rule("debug", !claims_.debug || policy.allow_debug, Reason::debug,
         policy.allow_debug ? "on or off" : "off", claims_.debug ? "on" : "off");
    const auto simulated = claims_.flags.find("simulated");
    const bool is_simulated = simulated != claims_.flags.end() && simulated->second;
    rule("simulated", !is_simulated || policy.allow_simulated, Reason::simulated,
         policy.allow_simulated ? "real or simulated" : "real",
         is_simulated ? "simulated" : "real");
    if (policy.evidence_age_max) {
      const bool known = claims_.issued_at.has_value();
      const int64_t age = known ? claims_.verified_at - *claims_.issued_at : 0;
      rule("evidence-age", known && age <= *policy.evidence_age_max, Reason::expired,
           fmt::format("at most {} s", *policy.evidence_age_max),
           known ? fmt::format("{} s", age) : "the evidence does not say");
    }
    if (policy.report_data) {
      rule("report-data", claims_.report_data == *policy.report_data, Reason::binding_mismatch,
           hex_of(*policy.report_data), hex_of(claims_.report_data));
    }
  }

  void check_tcb(const PlatformPolicy& policy) {
    const Tcb none;
    const Tcb& tcb = claims_.tcb ? *claims_.tcb : none;
    const std::string absent = "the evidence does not say";
    if (!policy.tcb_statuses.empty()) {
      // Evidence without a status, such as a service's token, passes where a policy names "unknown".
      const std::string status = claims_.tcb ? tcb.status : "unknown";
      rule("tcb-status", contains(policy.tcb_statuses, status), Reason::policy,
           any_of_text(policy.tcb_statuses), status);
    }
    if (policy.tcb_date_min) {
      rule("tcb-date", tcb.date && *tcb.date >= *policy.tcb_date_min, Reason::policy,
           utc_time_text(*policy.tcb_date_min) + " or later",
           tcb.date ? utc_time_text(*tcb.date) : absent);
    }
    for (const auto& [name, least] : policy.tcb_min) {
      const auto found = tcb.components.find(name);
      uint64_t value = 0;
      bool is_number = false;
      if (found != tcb.components.end()) {
        const char* end = found->second.data() + found->second.size();
        const auto [at, error] = std::from_chars(found->second.data(), end, value);
        is_number = error == std::errc() && at == end;
      }
      rule("tcb-min " + name, is_number && value >= least, Reason::policy,
           fmt::format("{} or more", least), is_number ? fmt::format("{}", value) : absent);
    }
    if (!policy.advisories_refused.empty()) {
      std::vector<std::string> open;
      for (const std::string& id : policy.advisories_refused) {
        if (contains(tcb.advisories, id)) open.push_back(id);
      }
      rule("tcb-advisories", claims_.tcb && open.empty(), Reason::policy,
           "none of " + any_of_text(policy.advisories_refused),
           !claims_.tcb   ? absent
           : open.empty() ? "none"
                          : any_of_text(open));
    }
  }

  template <class Wanted, class Map, class Text>
  void check_map(const std::string& what, const Wanted& wanted, const Map& map, Reason reason,
                 Text text) {
    for (const auto& [name, allowed] : wanted) {
      const auto found = map.find(name);
      const bool holds = found != map.end() && contains(allowed, found->second);
      rule(what + " " + name, holds, reason, any_of_text(allowed),
           found == map.end() ? "the evidence does not say" : text(found->second));
    }
  }

  void check_named(const PlatformPolicy& policy) {
    const auto hex = [](const std::vector<uint8_t>& bytes) { return hex_of(bytes); };
    const auto same = [](const std::string& text) { return text; };
    for (const std::string& name : policy.needed_measurements) {
      const bool there = claims_.measurements.contains(name);
      rule("measured " + name, there, Reason::policy, "any value",
           there ? "there" : "the evidence does not say");
    }
    check_map("measurement", policy.measurements, claims_.measurements,
              Reason::measurement_mismatch, hex);
    check_map("value", policy.values, claims_.values, Reason::policy, hex);
    check_map("note", policy.notes, claims_.notes, Reason::policy, same);
    for (const auto& [name, wanted] : policy.flags) {
      const auto found = claims_.flags.find(name);
      const bool known = found != claims_.flags.end();
      rule("flag " + name, known && found->second == wanted, Reason::policy,
           wanted ? "true" : "false",
           !known          ? "the evidence does not say"
           : found->second ? "true"
                           : "false");
    }
  }

  const Claims& claims_;
  Appraisal appraisal_;
};

}  // namespace

Appraisal appraise(const Claims& claims, const Policy& policy) {
  return Appraiser(claims, policy).finish();
}

Appraisal appraise(const Verified<Claims>& claims, const Policy& policy) {
  if (claims) return appraise(*claims, policy);
  Appraisal appraisal;
  appraisal.policy = policy.name;
  appraisal.rules = claims.error().rules;
  appraisal.error = claims.error();
  return appraisal;
}

}  // namespace sotto::attest

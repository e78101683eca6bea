// Writing appraisals as JSON.
// SPDX-License-Identifier: Apache-2.0
#include "attest/appraise/appraisal_json.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest {
namespace {

namespace json = boost::json;

// Evidence brings text of its own, which JSON may hold only as UTF-8: other bytes become "?".
std::string ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

json::value time_json(const std::optional<int64_t>& time) {
  if (!time) return nullptr;
  return json::value(utc_time_text(*time));
}

template <class Map>
json::object bytes_json(const Map& map) {
  json::object out;
  for (const auto& [name, bytes] : map) out[name] = hex_of(bytes);
  return out;
}

json::object tcb_json(const Tcb& tcb) {
  json::array advisories;
  for (const std::string& id : tcb.advisories) advisories.emplace_back(ascii(id));
  json::object components;
  for (const auto& [name, value] : tcb.components) components[name] = ascii(value);
  return {{"grade", to_string(tcb.grade)},       {"status", ascii(tcb.status)},
          {"date", time_json(tcb.date)},         {"releases_behind", tcb.releases_behind},
          {"advisories", std::move(advisories)}, {"components", std::move(components)}};
}

json::object claims_json(const Claims& claims) {
  json::object flags;
  for (const auto& [name, value] : claims.flags) flags[name] = value;
  json::object notes;
  for (const auto& [name, value] : claims.notes) notes[name] = ascii(value);
  return {{"kind", to_string(claims.kind)},
          {"debug", claims.debug},
          {"measurements", bytes_json(claims.measurements)},
          {"report_data", hex_of(claims.report_data)},
          {"values", bytes_json(claims.values)},
          {"flags", std::move(flags)},
          {"notes", std::move(notes)},
          {"verified_at", utc_time_text(claims.verified_at)},
          {"issued_at", time_json(claims.issued_at)},
          {"valid_until", time_json(claims.valid_until)}};
}

// Of [AR4SI §2.3]: 2 affirming, 32 and above warning, 96 and above contraindicated.
json::object trustworthiness(const Appraisal& appraisal) {
  if (!appraisal.claims) return {{"instance-identity", 97}, {"hardware", 97}};
  const Claims& claims = *appraisal.claims;
  const auto all_passed = [&](std::string_view prefix) {
    bool any = false;
    for (const Rule& rule : appraisal.rules) {
      if (!rule.name.starts_with(prefix)) continue;
      any = true;
      if (rule.verdict != RuleVerdict::passed) return 96;
    }
    return any ? 2 : 0;
  };
  json::object vector{{"instance-identity", 2}};
  int hardware = 2;
  if (claims.tcb && claims.tcb->grade == TcbGrade::out_of_date) hardware = 32;
  if (claims.tcb && claims.tcb->grade == TcbGrade::revoked) hardware = 96;
  vector["hardware"] = hardware;
  vector["executables"] = all_passed("measurement ");
  vector["configuration"] = all_passed("flag ");
  vector["runtime-opaque"] = claims.debug ? 96 : 2;
  return vector;
}

}  // namespace

json::array rules_json(const std::vector<Rule>& rules) {
  json::array out;
  for (const Rule& rule : rules) {
    out.push_back(json::object{{"name", rule.name},
                               {"verdict", to_string(rule.verdict)},
                               {"expected", ascii(rule.expected)},
                               {"actual", ascii(rule.actual)}});
  }
  return out;
}

json::value error_json(const std::optional<VerifyError>& error) {
  if (!error) return nullptr;
  return json::object{{"kind", to_string(error->reason)}, {"message", ascii(error->message)}};
}

json::object appraisal_json(const Appraisal& appraisal) {
  json::object out{{"verdict", appraisal.verified ? "verified" : "rejected"},
                   {"platform", nullptr},
                   {"policy", ascii(appraisal.policy)},
                   {"root_replaced", appraisal.claims && appraisal.claims->root_replaced},
                   {"tcb", nullptr},
                   {"claims", nullptr},
                   {"rules", rules_json(appraisal.rules)},
                   {"error", nullptr}};
  if (appraisal.claims) {
    out["platform"] = ascii(appraisal.claims->platform);
    out["claims"] = claims_json(*appraisal.claims);
    if (appraisal.claims->tcb) out["tcb"] = tcb_json(*appraisal.claims->tcb);
  }
  out["error"] = error_json(appraisal.error);
  return out;
}

json::object ear_json(const Appraisal& appraisal, int64_t time) {
  json::object vector = trustworthiness(appraisal);
  int worst = 0;
  for (const auto& [name, value] : vector) {
    worst = std::max(worst, static_cast<int>(value.as_int64()));
  }
  std::string_view status = worst >= 96 ? "contraindicated" : worst >= 32 ? "warning" : "affirming";
  if (!appraisal.verified) status = "contraindicated";
  const std::string name = appraisal.claims ? ascii(appraisal.claims->platform) : "evidence";
  json::object submodule{{"ear.status", status},
                         {"ear.trustworthiness-vector", std::move(vector)},
                         {"ear.appraisal-policy-id", ascii(appraisal.policy)}};
  return {{"eat_profile", "tag:github.com,2023:veraison/ear"},
          {"iat", time},
          {"ear.verifier-id", json::object{{"developer", "Sotto"}, {"build", "sotto"}}},
          {"submods", json::object{{name, std::move(submodule)}}}};
}

}  // namespace sotto::attest

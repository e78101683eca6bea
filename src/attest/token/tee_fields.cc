// Reading fields about TEEs out of tokens.
// SPDX-License-Identifier: Apache-2.0
#include "attest/token/tee_fields.h"

#include <algorithm>
#include <array>

#include "attest/json/strict_json.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest::token {
namespace {

namespace json = boost::json;

constexpr size_t kAdvisoriesMax = 256;
constexpr size_t kNoteBytesMax = 1024;

Verified<bool> need_bool(const json::object& object, std::string_view name) {
  return lift("token", json_bool(object, name, "payload"));
}

}  // namespace

Verified<std::vector<uint8_t>> need_hex(const json::object& object, std::string_view name) {
  return lift(name, bytes_of_hex(TRY(lift("token", json_string(object, name, "payload")))));
}

void note(const json::object& object, std::string_view name, std::string_view note,
          Claims& claims) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return;
  std::string text;
  if (value->is_string()) text = std::string(value->get_string());
  if (value->is_int64()) text = fmt::format("{}", value->get_int64());
  if (value->is_uint64()) text = fmt::format("{}", value->get_uint64());
  if (value->is_bool()) text = value->get_bool() ? "true" : "false";
  if (!text.empty()) claims.notes.emplace(note, text.substr(0, kNoteBytesMax));
}

void flag(const json::object& object, std::string_view name, std::string_view flag,
          Claims& claims) {
  if (const Result<bool> value = json_bool(object, name, "payload")) {
    claims.flags.emplace(flag, *value);
  }
}

Verified<void> read_tdx(const json::object& object, Claims& claims) {
  claims.platform = "intel-tdx";
  for (std::string_view name : {"mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "mrseam", "mrconfigid",
                                "mrowner", "mrownerconfig"}) {
    claims.measurements.emplace(name, TRY(need_hex(object, "tdx_" + std::string(name))));
  }
  claims.report_data = TRY(need_hex(object, "tdx_report_data"));
  claims.values.emplace("td_attributes", TRY(need_hex(object, "tdx_td_attributes")));
  claims.values.emplace("tee_tcb_svn", TRY(need_hex(object, "tdx_tee_tcb_svn")));
  claims.debug |= TRY(need_bool(object, "tdx_td_attributes_debug"));
  return {};
}

Verified<void> read_sgx(const json::object& object, std::string_view prefix, Claims& claims) {
  claims.platform = "intel-sgx";
  const std::string start(prefix);
  claims.measurements.emplace("mrenclave", TRY(need_hex(object, start + "mrenclave")));
  claims.measurements.emplace("mrsigner", TRY(need_hex(object, start + "mrsigner")));
  const std::string separator = prefix.ends_with('-') ? "-" : "_";
  claims.debug |= TRY(need_bool(object, start + "is" + separator + "debuggable"));
  return {};
}

Verified<void> read_azure_snp(const json::object& object, Claims& claims) {
  claims.platform = "amd-sev-snp";
  const std::string prefix = "x-ms-sevsnpvm-";
  claims.measurements.emplace("measurement", TRY(need_hex(object, prefix + "launchmeasurement")));
  claims.report_data = TRY(need_hex(object, prefix + "reportdata"));
  for (std::string_view name : {"hostdata", "idkeydigest", "authorkeydigest", "reportid"}) {
    claims.values.emplace(name, TRY(need_hex(object, prefix + std::string(name))));
  }
  claims.debug |= TRY(need_bool(object, prefix + "is-debuggable"));
  claims.flags.emplace("migratable", TRY(need_bool(object, prefix + "migration-allowed")));
  flag(object, prefix + "smt-allowed", "smt", claims);
  for (std::string_view name :
       {"bootloader-svn", "tee-svn", "snpfw-svn", "microcode-svn", "guestsvn", "vmpl"}) {
    note(object, prefix + std::string(name), name, claims);
  }
  return {};
}

std::optional<TcbGrade> grade_of_status(std::string_view status) {
  static constexpr std::array<std::pair<std::string_view, TcbGrade>, 9> kGrades = {{
      {"UpToDate", TcbGrade::up_to_date},
      {"UP_TO_DATE", TcbGrade::up_to_date},
      {"SWHardeningNeeded", TcbGrade::needs_configuration},
      {"ConfigurationNeeded", TcbGrade::needs_configuration},
      {"ConfigurationAndSWHardeningNeeded", TcbGrade::needs_configuration},
      {"OutOfDate", TcbGrade::out_of_date},
      {"OUT_OF_DATE", TcbGrade::out_of_date},
      {"OutOfDateConfigurationNeeded", TcbGrade::out_of_date},
      {"Revoked", TcbGrade::revoked},
  }};
  for (const auto& [name, grade] : kGrades) {
    if (name == status) return grade;
  }
  return std::nullopt;
}

Verified<void> read_intel_tcb(const json::object& object, RuleList& rules, Claims& claims) {
  if (!object.contains("attester_tcb_status")) return {};
  const std::string status(
      TRY(lift("token", json_string(object, "attester_tcb_status", "payload"))));
  const std::optional<TcbGrade> grade = grade_of_status(status);
  if (!grade) return refuse(Reason::unsupported, "the TCB status \"{}\" is not known", status);
  TRY(rules.require("tcb-not-revoked", *grade != TcbGrade::revoked, Reason::tcb_revoked,
                    "any status but Revoked", status));
  Tcb tcb;
  tcb.grade = *grade;
  tcb.status = status == "OUT_OF_DATE" ? "OutOfDate" : status == "UP_TO_DATE" ? "UpToDate" : status;
  if (object.contains("attester_tcb_date")) {
    tcb.date = TRY(lift(
        "token",
        parse_utc_time(TRY(lift("token", json_string(object, "attester_tcb_date", "payload"))))));
  }
  if (const json::value* list = object.if_contains("attester_advisory_ids")) {
    if (!list->is_array() || list->get_array().size() > kAdvisoriesMax) {
      return refuse(Reason::malformed, "the advisories are no list of up to {}", kAdvisoriesMax);
    }
    for (const json::value& item : list->get_array()) {
      if (!item.is_string()) return refuse(Reason::malformed, "an advisory is no text");
      tcb.advisories.emplace_back(item.get_string());
    }
    std::sort(tcb.advisories.begin(), tcb.advisories.end());
  }
  claims.tcb = std::move(tcb);
  return {};
}

}  // namespace sotto::attest::token

// From the hardware's signature down to the quote, each step vouching for the next.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/verify.h"

#include <algorithm>
#include <boost/json/value.hpp>

#include "attest/json/strict_json.h"
#include "attest/tpm/verify.h"
#include "base/text_encoding.h"

namespace sotto::attest::azure {
namespace {

namespace json = boost::json;

constexpr size_t kAnswerBytesMax = 256 << 10;

std::vector<uint8_t> copy(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

using Fields = std::map<std::string, std::vector<uint8_t>, std::less<>>;

Verified<void> check_field(std::string_view name, Bytes reported, const Fields& quoted) {
  const auto at = quoted.find(name);
  if (at == quoted.end()) {
    return refuse(Reason::internal, "the TD quote's claims have no {}", name);
  }
  if (std::ranges::equal(reported, at->second)) return {};
  return refuse(Reason::binding_mismatch, "{}: {} in the TDREPORT, {} in the TD quote", name,
                hex_of(reported), hex_of(at->second));
}

// What a quote says equals what the TDREPORT says, register by register.
Verified<void> check_td_quote(Bytes bytes, const Claims& quote) {
  const TdReport report = TRY(lift("TDREPORT", parse_td_report(bytes)));
  const std::pair<std::string_view, Bytes> measurements[] = {
      {"mrseam", report.mrseam},   {"mrsignerseam", report.mrsignerseam},
      {"mrtd", report.mrtd},       {"mrconfigid", report.mrconfigid},
      {"mrowner", report.mrowner}, {"mrownerconfig", report.mrownerconfig},
      {"rtmr0", report.rtmrs[0]},  {"rtmr1", report.rtmrs[1]},
      {"rtmr2", report.rtmrs[2]},  {"rtmr3", report.rtmrs[3]},
  };
  const std::pair<std::string_view, Bytes> values[] = {{"tee_tcb_svn", report.tee_tcb_svn},
                                                       {"td_attributes", report.attributes},
                                                       {"xfam", report.xfam}};
  if (!std::ranges::equal(report.report_data, quote.report_data)) {
    return refuse(Reason::binding_mismatch, "report data: {} in the TDREPORT, {} in the TD quote",
                  hex_of(report.report_data), hex_of(quote.report_data));
  }
  for (const auto& [name, value] : measurements) {
    TRY(check_field(name, value, quote.measurements));
  }
  for (const auto& [name, value] : values) TRY(check_field(name, value, quote.values));
  return {};
}

// The hardware's claims become ours; its rules go on in the list.
Verified<Claims> check_hardware(const HclReportUnverified& report, const Collateral& collateral,
                                const HardwareVerifier& hardware, RuleList& rules) {
  const bool is_tdx = report.kind == HardwareReport::tdx;
  const Bytes evidence = is_tdx ? TRY(collateral.need(kTdQuoteBlob)) : report.hardware_report;
  Verified<Claims> claims = hardware(report.kind, evidence, collateral);
  if (!claims) {
    for (const Rule& rule : claims.error().rules) {
      rules.record(rule.name, rule.verdict, rule.expected, rule.actual);
    }
    return rules.with_rules(std::move(claims).error());
  }
  for (const Rule& rule : claims->rules) {
    rules.record(rule.name, rule.verdict, rule.expected, rule.actual);
  }
  if (is_tdx) {
    TRY(rules.check("hcl-td-quote", "a TD quote of the TDREPORT inside",
                    check_td_quote(report.hardware_report, *claims)));
  }
  return claims;
}

Verified<void> as_binding(Result<void> result) {
  if (result) return {};
  return refuse(Reason::binding_mismatch, "{}", result.error().message);
}

void describe(const RuntimeData& runtime, Claims& claims) {
  const std::pair<std::string_view, Told> flags[] = {{"secure_boot", runtime.secure_boot},
                                                     {"tpm_enabled", runtime.tpm_enabled},
                                                     {"console_enabled", runtime.console_enabled}};
  for (const auto& [name, told] : flags) {
    if (told != Told::untold) claims.flags[std::string(name)] = told == Told::yes;
  }
  if (runtime.user_data) claims.values["user_data"] = copy(*runtime.user_data);
  if (!runtime.vm_unique_id.empty()) claims.notes["vm_unique_id"] = runtime.vm_unique_id;
}

Verified<void> check_vtpm(const HclReportUnverified& report, const HclOptions& options,
                          const Collateral& collateral, RuleList& rules, Claims& claims) {
  const auto key =
      TRY(rules.check("hcl-vtpm-key", "an RSA key of the vTPM",
                      lift("HCLAkPub", tpm::attestation_key_of(report.runtime.attestation_key))));
  claims.values["ak_spki"] = key.key.spki();
  const auto blob = collateral.find(kTpmQuoteBlob);
  if (!blob) {
    rules.record("tpm-quote", RuleVerdict::skipped, "a quote by the vTPM", "none");
    return {};
  }
  const auto evidence = TRY(rules.check("tpm-evidence", "a TPM's evidence",
                                        lift("vTPM quote", tpm::parse_evidence(as_text(*blob)))));
  std::optional<Bytes> qualifying;
  if (options.qualifying_data) qualifying = *options.qualifying_data;
  return tpm::check_quote(evidence, key, qualifying, rules, claims);
}

Result<std::string> text_of(const json::value& value, std::string_view name) {
  const json::value* text =
      value.is_object() ? value.get_object().if_contains({name.data(), name.size()}) : nullptr;
  if (text == nullptr || !text->is_string()) {
    return fail(ErrorKind::malformed, "{} is missing", name);
  }
  return std::string(text->get_string().data(), text->get_string().size());
}

}  // namespace

Verified<Claims> verify_hcl_report(Bytes bytes, const HclOptions& options,
                                   const Collateral& collateral, const HardwareVerifier& hardware,
                                   int64_t time) {
  RuleList rules;
  const auto report = TRY(rules.check("hcl-report", "a report of Azure's paravisor",
                                      lift("HCL report", parse_hcl_report(bytes))));
  Claims claims = TRY(check_hardware(report, collateral, hardware, rules));
  TRY(rules.check("hcl-runtime-binding",
                  "the hardware's report data is the hash of the runtime data",
                  as_binding(check_runtime_binding(report))));
  claims.kind = EvidenceKind::azure_hcl_report;
  claims.platform = report.kind == HardwareReport::tdx ? "azure-tdx" : "azure-sev-snp";
  claims.verified_at = time;
  claims.values["hardware_report_data"] = std::move(claims.report_data);
  claims.report_data.clear();
  describe(report.runtime, claims);
  TRY(check_vtpm(report, options, collateral, rules, claims));
  claims.rules = rules.rules();
  return claims;
}

Result<std::vector<uint8_t>> parse_td_quote_answer(std::string_view text) {
  const json::value answer = TRY(parse_strict_json(text, kAnswerBytesMax));
  return bytes_of_base64(TRY(text_of(answer, "quote")), Base64::url);
}

Result<ThimCertificates> parse_thim_answer(std::string_view text) {
  const json::value answer = TRY(parse_strict_json(text, kAnswerBytesMax));
  return ThimCertificates{TRY(text_of(answer, "vcekCert")),
                          TRY(text_of(answer, "certificateChain"))};
}

}  // namespace sotto::attest::azure

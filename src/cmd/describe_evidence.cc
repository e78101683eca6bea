// Reports of TEEs and devices, and telling kinds apart.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/describe_evidence.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "attest/azure/hcl_report.h"
#include "attest/bundle/bundle.h"
#include "attest/bundle/statement.h"
#include "attest/nitro/document.h"
#include "attest/nvidia/spdm_report.h"
#include "attest/snp/report.h"
#include "attest/tdx/quote.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;
using namespace attest;

json::object of_td(const tdx::TdReport& report) {
  json::object out{{"tee_tcb_svn", hex_of(report.tee_tcb_svn)},
                   {"mrseam", hex_of(report.mr_seam)},
                   {"mrsignerseam", hex_of(report.mr_signer_seam)},
                   {"td_attributes", hex_of(report.td_attributes)},
                   {"debug", (report.td_attributes[0] & 1) != 0},
                   {"xfam", hex_of(report.xfam)},
                   {"mrtd", hex_of(report.mr_td)},
                   {"mrconfigid", hex_of(report.mr_config_id)},
                   {"mrowner", hex_of(report.mr_owner)},
                   {"mrownerconfig", hex_of(report.mr_owner_config)}};
  for (size_t i = 0; i < report.rtmr.size(); ++i) {
    out[fmt::format("rtmr{}", i)] = hex_of(report.rtmr[i]);
  }
  out["report_data"] = hex_of(report.report_data);
  if (report.tee_tcb_svn2) {
    out["tee_tcb_svn2"] = hex_of(*report.tee_tcb_svn2);
    out["mrservicetd"] = hex_of(report.mr_service_td);
  }
  return out;
}

json::object of_enclave(const tdx::EnclaveReport& report) {
  return {{"cpu_svn", hex_of(report.cpu_svn)},
          {"attributes", hex_of(report.attributes)},
          {"debug", (report.attributes[0] & tdx::kEnclaveDebug) != 0},
          {"mrenclave", hex_of(report.mr_enclave)},
          {"mrsigner", hex_of(report.mr_signer)},
          {"isv_prod_id", report.isv_prod_id},
          {"isv_svn", report.isv_svn},
          {"report_data", hex_of(report.report_data)}};
}

struct Kind {
  std::string_view name;
  Result<json::object> (*describe)(Bytes);
};
// In the order in which they are tried: what is told apart most surely comes first.
constexpr Kind kKinds[] = {
    {"snp-report", describe_snp_report},
    {"azure-hcl-report", describe_hcl_report},
    {"tdx-quote", describe_quote},
    {"sgx-quote", describe_quote},
    {"bundle", describe_bundle},
    {"tpm-quote", describe_tpm_evidence},
    {"nitro-document", describe_nitro_document},
    {"nvidia-gpu-report", describe_gpu_report},
    {"certificate", describe_certificates},
    {"revocation-list", describe_crl},
    {"token", describe_token},
    {"event-log", describe_event_log},
    {"canonical-event-log", describe_cel},
};

bool is_td(const json::object& quote) {
  return quote.contains("mrtd");
}

}  // namespace

Result<json::object> describe_quote(Bytes bytes) {
  const tdx::QuoteUnverified quote = TRY(tdx::parse_quote(bytes));
  json::object out{{"version", quote.version},
                   {"qe_vendor_id", hex_of(quote.qe_vendor_id)},
                   {"user_data", hex_of(quote.user_data)}};
  const json::object report = std::holds_alternative<tdx::TdReport>(quote.report)
                                  ? of_td(std::get<tdx::TdReport>(quote.report))
                                  : of_enclave(std::get<tdx::EnclaveReport>(quote.report));
  for (const auto& [name, value] : report) out[name] = value;
  out["qe_report"] = of_enclave(quote.qe_report);
  if (quote.certification == tdx::CertificationData::pck_chain) {
    if (const auto chain = describe_certificates(quote.certification_data)) {
      out["pck_chain"] = chain->at("certificates");
    }
  }
  return out;
}

Result<json::object> describe_snp_report(Bytes bytes) {
  const snp::ReportUnverified report = TRY(snp::parse_report(bytes));
  const Result<std::optional<snp::Product>> product = snp::product_of(report);
  json::object out{{"version", report.version},
                   {"guest_svn", report.guest_svn},
                   {"policy", fmt::format("{:#x}", report.policy)},
                   {"debug", (report.policy & snp::kPolicyDebug) != 0},
                   {"migration", (report.policy & snp::kPolicyMigration) != 0},
                   {"smt", (report.policy & snp::kPolicySmt) != 0},
                   {"vmpl", report.vmpl},
                   {"platform_info", fmt::format("{:#x}", report.platform_info)},
                   {"signing_key", to_string(report.signing_key)},
                   {"measurement", hex_of(report.measurement)},
                   {"report_data", hex_of(report.report_data)},
                   {"host_data", hex_of(report.host_data)},
                   {"family_id", hex_of(report.family_id)},
                   {"image_id", hex_of(report.image_id)},
                   {"id_key_digest", hex_of(report.id_key_digest)},
                   {"author_key_digest", hex_of(report.author_key_digest)},
                   {"report_id", hex_of(report.report_id)},
                   {"chip_id", hex_of(report.chip_id)},
                   {"current_firmware", to_string(report.current_firmware)},
                   {"committed_firmware", to_string(report.committed_firmware)}};
  const bool known = product && product->has_value();
  if (known) out["product"] = to_string(**product);
  for (const auto& [name, tcb] : {std::pair("reported_tcb", report.reported_tcb),
                                  std::pair("current_tcb", report.current_tcb),
                                  std::pair("committed_tcb", report.committed_tcb),
                                  std::pair("launch_tcb", report.launch_tcb)}) {
    out[name] = known ? to_string(snp::decode_tcb(tcb, **product)) : hex_of(tcb);
  }
  return out;
}

Result<json::object> describe_nitro_document(Bytes bytes) {
  const nitro::DocumentUnverified document = TRY(nitro::parse_document(bytes));
  json::object pcrs;
  for (const auto& [index, value] : document.pcrs) {
    pcrs[fmt::format("pcr{}", index)] = hex_of(value);
  }
  json::object out{
      {"variant", document.variant == nitro::Variant::enclave ? "enclave" : "NitroTPM"},
      {"module_id", document.module_id},
      {"timestamp", utc_time_text(static_cast<int64_t>(document.timestamp_ms / 1000))},
      {"pcrs", std::move(pcrs)}};
  for (const auto& [name, value] :
       {std::pair("user_data", &document.user_data), std::pair("nonce", &document.nonce),
        std::pair("public_key", &document.public_key)}) {
    if (*value) out[name] = hex_of(**value);
  }
  if (const auto leaf = describe_certificates(document.certificate)) {
    out["certificate"] = leaf->at("certificates");
  }
  return out;
}

Result<json::object> describe_hcl_report(Bytes bytes) {
  const azure::HclReportUnverified report = TRY(azure::parse_hcl_report(bytes));
  json::object out{{"version", report.version},
                   {"hardware", report.kind == azure::HardwareReport::snp ? "SEV-SNP" : "TDX"},
                   {"report_data", hex_of(report.report_data)}};
  if (report.kind == azure::HardwareReport::snp) {
    if (const auto inner = describe_snp_report(report.hardware_report)) out["snp_report"] = *inner;
  }
  json::error_code error;
  const json::value runtime =
      json::parse(json::string_view(reinterpret_cast<const char*>(report.runtime_json.data()),
                                    report.runtime_json.size()),
                  error);
  if (!error) out["runtime_data"] = runtime;
  return out;
}

Result<json::object> describe_gpu_report(Bytes bytes) {
  const nvidia::ReportUnverified report = TRY(nvidia::parse_report(bytes));
  json::array measurements;
  for (const std::vector<uint8_t>& one : report.measurements)
    measurements.emplace_back(hex_of(one));
  json::object out{{"nonce", hex_of(report.nonce)}};
  if (const auto driver = report.text(nvidia::OpaqueField::driver_version); driver && *driver) {
    out["driver_version"] = **driver;
  }
  if (const auto vbios = report.vbios_version()) out["vbios_version"] = *vbios;
  json::object opaque;
  for (const auto& [number, value] : report.opaque) {
    opaque[std::to_string(number)] = hex_of(value);
  }
  out["opaque"] = std::move(opaque);
  out["measurements"] = std::move(measurements);
  return out;
}

Result<json::object> describe_bundle(Bytes bytes) {
  const Bundle bundle = TRY(parse_bundle(as_text(bytes)));
  json::object out{{"nonce", hex_of(bundle.nonce)}};
  if (const auto statement = parse_statement(as_text(bundle.statement))) {
    out["statement"] = json::parse(serialize(*statement));
  }
  json::array evidence;
  for (const BundledEvidence& one : bundle.evidence) {
    json::object entry{{"kind", to_string(one.kind)}, {"bytes", one.data.size()}};
    if (const auto inside = describe_evidence(one.data)) entry["fields"] = inside->fields;
    evidence.push_back(std::move(entry));
  }
  out["evidence"] = std::move(evidence);
  json::array names;
  for (const auto& [name, blob] : bundle.collateral.blobs()) names.emplace_back(name);
  out["collateral"] = std::move(names);
  json::array logs;
  for (const BundledLog& log : bundle.event_logs) {
    json::object entry{{"kind", log.kind}};
    const auto inside = log.kind == "cel" ? describe_cel(log.data) : describe_event_log(log.data);
    if (inside) entry["events"] = inside->at("events");
    logs.push_back(std::move(entry));
  }
  out["event_logs"] = std::move(logs);
  return out;
}

std::optional<Description> describe_evidence(Bytes bytes) {
  for (const auto& [name, describe] : kKinds) {
    Result<json::object> fields = describe(bytes);
    if (!fields) continue;
    if (name == "tdx-quote" && !is_td(*fields)) continue;
    return Description{std::string(name), std::move(*fields)};
  }
  return std::nullopt;
}

Result<Description> describe_as(std::string_view kind, Bytes bytes) {
  for (const auto& [name, describe] : kKinds) {
    const bool token = name == "token" && kind.ends_with("-token");
    if (name != kind && !token) continue;
    return Description{std::string(kind), TRY(describe(bytes))};
  }
  return fail(ErrorKind::unsupported, "evidence of kind {} cannot be shown", kind);
}

}  // namespace sotto::cmd

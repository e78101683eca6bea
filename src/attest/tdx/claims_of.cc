// Claims from verified quotes: names are Intel's, in lower case.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/claims_of.h"

#include <algorithm>
#include <string>

#include "attest/tdx/tcb.h"
#include "base/text_encoding.h"

namespace sotto::attest::tdx {
namespace {

std::vector<uint8_t> vector_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

// TDATTRIBUTES [TDX-ABI §3.4.1].
constexpr uint8_t kUntrustedBits = 0xff;  // of byte 0: debug, and others that make it as untrusted
constexpr std::pair<const char*, uint32_t> kTdAttributes[] = {
    {"sept_ve_disable", 28}, {"migratable", 29}, {"pks", 30}, {"kl", 31}, {"perfmon", 63}};

Tcb tcb_of(const Found& found) {
  Tcb tcb;
  tcb.grade = grade_of(found.status);
  tcb.status = to_string(found.status);
  std::vector<const TcbLevelStatus*> verdicts = {&found.platform_level, &found.qe};
  tcb.components["platform"] = to_string(found.platform_level.status);
  tcb.components["quoting enclave"] = to_string(found.qe.status);
  if (found.module) {
    tcb.components["TDX module"] = to_string(found.module->status);
    verdicts.push_back(&*found.module);
  }
  tcb.advisories = merge_advisories(verdicts);
  tcb.date = found.platform_level.date;
  tcb.releases_behind = found.releases_behind;
  tcb.components["evaluation data number"] = std::to_string(found.tcb_evaluation_number);
  return tcb;
}

void add_platform(const PckPlatform& platform, Claims& claims) {
  claims.notes["fmspc"] = hex_of(platform.fmspc);
  claims.notes["pceid"] = hex_of(platform.pce_id);
  claims.notes["pcesvn"] = std::to_string(platform.pce_svn);
  claims.notes["cpusvn"] = hex_of(platform.cpu_svn);
  claims.notes["ppid"] = hex_of(platform.ppid);
  claims.notes["sgx_components"] = hex_of(platform.sgx_components);
  claims.notes["sgx_type"] = std::to_string(platform.sgx_type);
  if (platform.platform_instance_id) {
    claims.notes["platform_instance_id"] = hex_of(*platform.platform_instance_id);
  }
  const std::pair<const char*, const std::optional<bool>*> flags[] = {
      {"dynamic_platform", &platform.dynamic_platform},
      {"cached_keys", &platform.cached_keys},
      {"smt_enabled", &platform.smt_enabled}};
  for (const auto& [name, flag] : flags) {
    if (*flag) claims.flags[name] = **flag;
  }
}

Claims common_claims(const Found& found) {
  Claims claims;
  claims.tcb = tcb_of(found);
  add_platform(found.platform, claims);
  claims.notes["quote_version"] = std::to_string(found.quote.version);
  claims.notes["qe_isvsvn"] = std::to_string(found.quote.qe_report.isv_svn);
  claims.verified_at = found.verified_at;
  claims.valid_until = found.valid_until;
  claims.rules = found.rules;
  return claims;
}

}  // namespace

Claims claims_of_td(const Found& found) {
  const auto& report = std::get<TdReport>(found.quote.report);
  Claims claims = common_claims(found);
  claims.kind = EvidenceKind::tdx_quote;
  claims.platform = "intel-tdx";
  claims.measurements = {{"mrseam", vector_of(report.mr_seam)},
                         {"mrsignerseam", vector_of(report.mr_signer_seam)},
                         {"mrtd", vector_of(report.mr_td)},
                         {"mrconfigid", vector_of(report.mr_config_id)},
                         {"mrowner", vector_of(report.mr_owner)},
                         {"mrownerconfig", vector_of(report.mr_owner_config)}};
  for (size_t i = 0; i < report.rtmr.size(); ++i) {
    claims.measurements["rtmr" + std::to_string(i)] = vector_of(report.rtmr[i]);
  }
  claims.values = {{"tee_tcb_svn", vector_of(report.tee_tcb_svn)},
                   {"seam_attributes", vector_of(report.seam_attributes)},
                   {"td_attributes", vector_of(report.td_attributes)},
                   {"xfam", vector_of(report.xfam)}};
  if (report.tee_tcb_svn2) {
    claims.values["tee_tcb_svn2"] = vector_of(*report.tee_tcb_svn2);
    claims.measurements["mrservicetd"] = vector_of(report.mr_service_td);
  }
  claims.report_data = vector_of(report.report_data);
  claims.debug = (report.td_attributes[0] & kUntrustedBits) != 0;
  for (const auto& [name, bit] : kTdAttributes) {
    claims.flags[name] = (report.td_attributes[bit / 8] >> bit % 8 & 1) != 0;
  }
  return claims;
}

Claims claims_of_enclave(const Found& found) {
  const auto& report = std::get<EnclaveReport>(found.quote.report);
  Claims claims = common_claims(found);
  claims.kind = EvidenceKind::sgx_quote;
  claims.platform = "intel-sgx";
  claims.measurements = {{"mrenclave", vector_of(report.mr_enclave)},
                         {"mrsigner", vector_of(report.mr_signer)}};
  claims.values = {{"attributes", vector_of(report.attributes)},
                   {"misc_select", vector_of(report.misc_select)},
                   {"config_id", vector_of(report.config_id)},
                   {"isv_family_id", vector_of(report.isv_family_id)},
                   {"isv_ext_prod_id", vector_of(report.isv_ext_prod_id)},
                   {"cpu_svn", vector_of(report.cpu_svn)}};
  claims.notes["isv_prod_id"] = std::to_string(report.isv_prod_id);
  claims.notes["isv_svn"] = std::to_string(report.isv_svn);
  claims.notes["config_svn"] = std::to_string(report.config_svn);
  claims.report_data = vector_of(report.report_data);
  claims.debug = (report.attributes[0] & kEnclaveDebug) != 0;
  return claims;
}

}  // namespace sotto::attest::tdx

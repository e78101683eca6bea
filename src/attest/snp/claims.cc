// Putting a report's fields under their names.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/claims.h"

#include <algorithm>

namespace sotto::attest::snp {
namespace {

template <size_t kCount>
std::vector<uint8_t> copy(const std::array<uint8_t, kCount>& bytes) {
  return {bytes.begin(), bytes.end()};
}

Tcb make_tcb(const ClaimsInput& input) {
  const TcbVersion version = decode_tcb(input.report.reported_tcb, input.endorsement.product);
  Tcb tcb;
  tcb.grade = TcbGrade::needs_configuration;
  tcb.status = "Reported";
  if (version.fmc) tcb.components["fmc"] = fmt::format("{}", *version.fmc);
  tcb.components["boot_loader"] = fmt::format("{}", version.boot_loader);
  tcb.components["tee"] = fmt::format("{}", version.tee);
  tcb.components["snp"] = fmt::format("{}", version.snp);
  tcb.components["microcode"] = fmt::format("{}", version.microcode);
  return tcb;
}

// The guest's policy, fixed at launch, and what the machine says of itself [SNP-ABI §4.3, §7.3].
void add_flags(const ClaimsInput& input, Claims& claims) {
  const ReportUnverified& report = input.report;
  const auto policy = [&](uint64_t bit) { return (report.policy & bit) != 0; };
  const auto platform = [&](int bit) { return (report.platform_info >> bit & 1) != 0; };
  claims.debug = policy(kPolicyDebug);
  claims.flags["migratable"] = policy(kPolicyMigration);
  claims.flags["smt"] = policy(kPolicySmt);
  claims.flags["single_socket"] = policy(kPolicySingleSocket);
  claims.flags["cxl"] = policy(kPolicyCxl);
  claims.flags["platform_smt"] = platform(0);
  claims.flags["platform_tsme"] = platform(1);
  claims.flags["platform_ecc"] = platform(2);
  claims.flags["platform_rapl_off"] = platform(3);
  claims.flags["platform_ciphertext_hiding"] = platform(4);
  claims.flags["platform_alias_check"] = platform(5);
  claims.flags["id_block"] = std::ranges::any_of(report.id_key_digest, [](uint8_t b) { return b; });
  claims.flags["author_key"] = report.author_key_enabled;
  claims.flags["chip_id_hidden"] =
      std::ranges::all_of(report.chip_id, [](uint8_t b) { return !b; });
  claims.flags["revocation_checked"] = input.crl != nullptr;
}

void add_notes(const ClaimsInput& input, Claims& claims) {
  const ReportUnverified& report = input.report;
  const Product product = input.endorsement.product;
  const auto tcb = [&](const TcbBytes& bytes) { return to_string(decode_tcb(bytes, product)); };
  auto& notes = claims.notes;
  notes["report_version"] = fmt::format("{}", report.version);
  notes["product"] = to_string(product);
  notes["signing_key"] = to_string(report.signing_key);
  notes["vmpl"] = fmt::format("{}", report.vmpl);
  notes["guest_svn"] = fmt::format("{}", report.guest_svn);
  notes["guest_policy"] = fmt::format("{:#x}", report.policy);
  notes["guest_abi"] = fmt::format("{}.{}", report.policy >> 8 & 0xff, report.policy & 0xff);
  notes["firmware"] = to_string(report.current_firmware);
  notes["committed_firmware"] = to_string(report.committed_firmware);
  notes["reported_tcb"] = tcb(report.reported_tcb);
  notes["committed_tcb"] = tcb(report.committed_tcb);
  notes["current_tcb"] = tcb(report.current_tcb);
  notes["launch_tcb"] = tcb(report.launch_tcb);
  if (!input.endorsement.csp_id.empty()) notes["csp_id"] = input.endorsement.csp_id;
  if (report.launch_mitigations) {
    notes["launch_mitigations"] = fmt::format("{:#x}", *report.launch_mitigations);
    notes["current_mitigations"] = fmt::format("{:#x}", *report.current_mitigations);
  }
}

}  // namespace

Claims make_claims(const ClaimsInput& input) {
  const ReportUnverified& report = input.report;
  Claims claims;
  claims.kind = EvidenceKind::snp_report;
  claims.platform = "amd-sev-snp";
  claims.measurements["measurement"] = copy(report.measurement);
  claims.report_data = copy(report.report_data);
  claims.values["host_data"] = copy(report.host_data);
  claims.values["family_id"] = copy(report.family_id);
  claims.values["image_id"] = copy(report.image_id);
  claims.values["id_key_digest"] = copy(report.id_key_digest);
  claims.values["author_key_digest"] = copy(report.author_key_digest);
  claims.values["report_id"] = copy(report.report_id);
  claims.values["report_id_ma"] = copy(report.report_id_migration_agent);
  claims.values["chip_id"] = copy(report.chip_id);
  claims.tcb = make_tcb(input);
  add_flags(input, claims);
  add_notes(input, claims);
  claims.verified_at = input.time;
  int64_t valid_until = input.path.front().not_after();
  for (const crypto::Certificate& certificate : input.path) {
    valid_until = std::min(valid_until, certificate.not_after());
  }
  if (input.crl != nullptr && input.crl->next_update()) {
    valid_until = std::min(valid_until, *input.crl->next_update());
  }
  claims.valid_until = valid_until;
  return claims;
}

}  // namespace sotto::attest::snp

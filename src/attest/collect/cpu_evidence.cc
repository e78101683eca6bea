// Choosing between configfs-tsm and a platform's own device, and naming what comes back.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collect/cpu_evidence.h"

#include <algorithm>
#include <string>

#include "attest/collect/nsm.h"
#include "attest/collect/sev_guest.h"
#include "attest/snp/report.h"
#include "attest/snp/verify.h"

namespace sotto::attest::collect {
namespace {

class SystemAccess final : public Access {
 public:
  std::unique_ptr<TsmFolder> tsm(const std::filesystem::path& path) override {
    return open_tsm_folder(path);
  }
  Result<std::unique_ptr<Device>> device(const std::filesystem::path& path) override {
    return open_device(path);
  }
};

Result<TsmReport> request_tsm(Access& access, const Places& places, const CpuRequest& request,
                              std::string_view provider, std::optional<uint32_t> vmpl) {
  const auto folder = access.tsm(places.tsm_report);
  auto report = TRY(request_tsm_report(*folder, {request.report_data, vmpl}));
  if (report.provider != provider) {
    return fail(ErrorKind::unsupported, "configfs-tsm's provider is '{}', not '{}'",
                report.provider, provider);
  }
  return report;
}

Result<void> add_some(Collateral& collateral, std::string_view name, std::vector<uint8_t> bytes) {
  if (bytes.empty()) return {};
  return collateral.add(std::string(name), std::move(bytes));
}

// The report must be one, and about what was asked: a host's table and the kernel's answer are looked
// at once here, so that a mistake shows where evidence is made and not only where it is checked.
Result<CpuEvidence> name_snp(std::vector<uint8_t> bytes, Bytes certificate_table,
                             const CpuRequest& request) {
  const auto report = TRY(snp::parse_report(bytes));
  if (report.report_data != request.report_data) {
    return fail(ErrorKind::unavailable, "the SNP report is about other data than was asked for");
  }
  CpuEvidence found{EvidenceKind::snp_report, std::move(bytes), {}};
  auto table = TRY(parse_certificate_table(certificate_table));
  const bool vcek = report.signing_key == snp::SigningKey::vcek;
  TRY(add_some(found.collateral, snp::kKeyCertificate, vcek ? table.vcek : table.vlek));
  TRY(add_some(found.collateral, snp::kCertificateChain, table.ask));
  TRY(add_some(found.collateral, snp::kRevocationList, table.crl));
  return found;
}

Result<CpuEvidence> collect_snp(const Places& places, Access& access, const CpuRequest& request) {
  auto report = request_tsm(access, places, request, "sev_guest", request.vmpl);
  if (report) return name_snp(std::move(report->evidence), report->auxiliary, request);
  auto device = access.device(places.sev_guest);
  if (!device) {
    return fail(report.error().kind, "{}; {}", report.error().message, device.error().message);
  }
  auto extended =
      TRY(request_sev_guest_report(**device, request.report_data, request.vmpl.value_or(0)));
  return name_snp(std::move(extended.report), extended.certificate_table, request);
}

// /dev/tdx_guest gives no quotes, so there is nothing to fall back on.
Result<CpuEvidence> collect_tdx(const Places& places, Access& access, const CpuRequest& request) {
  auto report = TRY(request_tsm(access, places, request, "tdx_guest", std::nullopt));
  return CpuEvidence{EvidenceKind::tdx_quote, std::move(report.evidence), {}};
}

Result<CpuEvidence> collect_nitro(const Places& places, Access& access, const CpuRequest& request) {
  const auto device = TRY(access.device(places.nsm));
  NsmRequest ask;
  ask.user_data.emplace(request.report_data.begin(), request.report_data.end());
  ask.nonce = request.nonce;
  ask.public_key = request.public_key;
  auto document = TRY(request_nsm_document(*device, ask));
  return CpuEvidence{EvidenceKind::nitro_document, std::move(document), {}};
}

}  // namespace

std::unique_ptr<Access> system_access() {
  return std::make_unique<SystemAccess>();
}

Result<CpuEvidence> collect_cpu_evidence(Platform platform, const Places& places, Access& access,
                                         const CpuRequest& request) {
  switch (platform) {
    case Platform::tdx:
      return collect_tdx(places, access, request);
    case Platform::sev_snp:
      return collect_snp(places, access, request);
    case Platform::nitro_enclave:
      return collect_nitro(places, access, request);
    case Platform::azure_paravisor:
    case Platform::tpm:
      return fail(ErrorKind::unsupported, "{}: its evidence is a TPM's", to_string(platform));
  }
  return fail(ErrorKind::internal, "a platform that is none");
}

}  // namespace sotto::attest::collect

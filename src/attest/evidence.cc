// Names of evidence, and collateral by name.
// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence.h"

#include <utility>

namespace sotto::attest {
namespace {

constexpr std::pair<EvidenceKind, std::string_view> kKinds[] = {
    {EvidenceKind::tdx_quote, "tdx-quote"},
    {EvidenceKind::sgx_quote, "sgx-quote"},
    {EvidenceKind::snp_report, "snp-report"},
    {EvidenceKind::nitro_document, "nitro-document"},
    {EvidenceKind::tpm_quote, "tpm-quote"},
    {EvidenceKind::azure_hcl_report, "azure-hcl-report"},
    {EvidenceKind::azure_imds_document, "azure-imds-document"},
    {EvidenceKind::google_cs_token, "google-cs-token"},
    {EvidenceKind::google_endorsement, "google-endorsement"},
    {EvidenceKind::nvidia_gpu_report, "nvidia-gpu-report"},
    {EvidenceKind::nvidia_switch_report, "nvidia-switch-report"},
    {EvidenceKind::nras_token, "nras-token"},
    {EvidenceKind::maa_token, "maa-token"},
    {EvidenceKind::ita_token, "ita-token"},
    {EvidenceKind::eat_token, "eat-token"},
    {EvidenceKind::event_log, "event-log"},
    {EvidenceKind::simulated_quote, "simulated-quote"},
};

}  // namespace

std::string_view to_string(EvidenceKind kind) {
  for (const auto& [value, name] : kKinds) {
    if (value == kind) return name;
  }
  return "?";
}

std::optional<EvidenceKind> evidence_kind(std::string_view name) {
  for (const auto& [value, known] : kKinds) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::vector<EvidenceKind> evidence_kinds() {
  std::vector<EvidenceKind> kinds;
  for (const auto& [value, name] : kKinds) kinds.push_back(value);
  return kinds;
}

Result<void> Collateral::add(std::string name, std::vector<uint8_t> bytes) {
  if (bytes.size() > kCollateralBytesMax) {
    return fail(ErrorKind::exhausted, "collateral {}: {} bytes; at most {}", name, bytes.size(),
                kCollateralBytesMax);
  }
  if (blobs_.size() == kCollateralBlobsMax && !blobs_.contains(name)) {
    return fail(ErrorKind::exhausted, "more than {} pieces of collateral", kCollateralBlobsMax);
  }
  blobs_.insert_or_assign(std::move(name), std::move(bytes));
  return {};
}

std::optional<Bytes> Collateral::find(std::string_view name) const {
  const auto found = blobs_.find(name);
  if (found == blobs_.end()) return std::nullopt;
  return Bytes(found->second);
}

Verified<Bytes> Collateral::need(std::string_view name) const {
  const std::optional<Bytes> bytes = find(name);
  if (!bytes) return refuse(Reason::missing_collateral, "{} is needed and was not given", name);
  return *bytes;
}

}  // namespace sotto::attest

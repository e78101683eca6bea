// Choosing the platform's verify function, and what they have in common around it.
// SPDX-License-Identifier: Apache-2.0
#include "attest/verify/verify_evidence.h"

#include <algorithm>
#include <string_view>

#include "attest/azure/hardware.h"
#include "attest/azure/imds.h"
#include "attest/azure/verify.h"
#include "attest/google/verify.h"
#include "attest/nitro/verify.h"
#include "attest/nvidia/verify.h"
#include "attest/simulated/verify.h"
#include "attest/snp/verify.h"
#include "attest/tdx/verify.h"
#include "attest/token/verify.h"
#include "attest/tpm/verify.h"
#include "base/text_encoding.h"

namespace sotto::attest {
namespace {

using Nonce = std::optional<std::vector<uint8_t>>;

// Kinds whose verify functions compare the nonce themselves.
Verified<Claims> verify_with_nonce(EvidenceKind kind, Bytes evidence, const Collateral& collateral,
                                   const Roots& roots, int64_t time, const Nonce& nonce) {
  const nvidia::DeviceOptions device{.nonce = nonce.value_or(std::vector<uint8_t>())};
  const token::TokenOptions token{.nonce = nonce.value_or(std::vector<uint8_t>())};
  switch (kind) {
    case EvidenceKind::tpm_quote:
      return tpm::verify_tpm_quote(evidence, {.qualifying_data = nonce, .trusted_keys = {}}, roots,
                                   time);
    case EvidenceKind::azure_hcl_report:
      return azure::verify_hcl_report(evidence, {nonce}, collateral,
                                      azure::hardware_verifier(roots, time), time);
    case EvidenceKind::azure_imds_document: {
      azure::ImdsOptions options;
      if (nonce) options.nonce = std::string(nonce->begin(), nonce->end());
      return azure::verify_imds(evidence, options, collateral, roots, time);
    }
    case EvidenceKind::nvidia_gpu_report:
      return nvidia::verify_gpu_report(evidence, collateral, roots, time, device);
    case EvidenceKind::nvidia_switch_report:
      return nvidia::verify_switch_report(evidence, collateral, roots, time, device);
    case EvidenceKind::nras_token:
      return token::verify_nras_token(evidence, collateral, roots, time, token);
    case EvidenceKind::maa_token:
      return token::verify_maa_token(evidence, collateral, roots, time, token);
    case EvidenceKind::ita_token:
      return token::verify_ita_token(evidence, collateral, roots, time, token);
    case EvidenceKind::eat_token:
      return token::verify_eat_token(evidence, collateral, roots, time, token);
    case EvidenceKind::google_cs_token:
      return token::verify_google_cs_token(evidence, collateral, roots, time, token);
    default:
      return refuse(Reason::unsupported, "evidence of kind {} has no verification of its own",
                    to_string(kind));
  }
}

// The others carry it as it was given.
Verified<void> check_nonce(const std::vector<uint8_t>& nonce, Claims& claims) {
  RuleList rules;
  std::vector<uint8_t> actual = claims.report_data;
  std::vector<uint8_t> expected = nonce;
  if (claims.kind == EvidenceKind::nitro_document) {
    const auto found = claims.values.find("nonce");
    actual = found == claims.values.end() ? std::vector<uint8_t>() : found->second;
  } else if (expected.size() < actual.size()) {
    expected.resize(actual.size());
  }
  Verified<void> equal = rules.require("nonce", actual == expected, Reason::binding_mismatch,
                                       hex_of(expected), hex_of(actual));
  claims.rules.insert(claims.rules.end(), rules.rules().begin(), rules.rules().end());
  if (!equal) equal.error().rules = claims.rules;
  return equal;
}

bool holds(Bytes file, std::string_view text) {
  return std::search(file.begin(), file.end(), text.begin(), text.end()) != file.end();
}

}  // namespace

std::string_view platform_of(EvidenceKind kind) {
  switch (kind) {
    case EvidenceKind::tdx_quote:
      return "intel-tdx";
    case EvidenceKind::simulated_quote:
      return "simulated";
    case EvidenceKind::sgx_quote:
      return "intel-sgx";
    case EvidenceKind::snp_report:
      return "amd-sev-snp";
    case EvidenceKind::nitro_document:
      return "aws-nitro";
    case EvidenceKind::tpm_quote:
      return "tpm";
    case EvidenceKind::azure_hcl_report:
      return "azure";
    case EvidenceKind::azure_imds_document:
      return "azure-instance";
    case EvidenceKind::google_endorsement:
      return "google-firmware";
    case EvidenceKind::nvidia_gpu_report:
    case EvidenceKind::nras_token:
      return "nvidia-gpu";
    case EvidenceKind::nvidia_switch_report:
      return "nvidia-switch";
    case EvidenceKind::google_cs_token:
    case EvidenceKind::maa_token:
    case EvidenceKind::ita_token:
    case EvidenceKind::eat_token:
    case EvidenceKind::event_log:
      return "unknown";  // only the evidence itself says it
  }
  return "unknown";
}

std::vector<Vendor> vendors_of(EvidenceKind kind) {
  switch (kind) {
    case EvidenceKind::tdx_quote:
    case EvidenceKind::sgx_quote:
      return {Vendor::intel_sgx};
    case EvidenceKind::snp_report:
      return {Vendor::amd};
    case EvidenceKind::nitro_document:
      return {Vendor::aws_nitro};
    case EvidenceKind::tpm_quote:
      return {Vendor::google_vtpm, Vendor::azure_vtpm};
    case EvidenceKind::azure_hcl_report:
      return {Vendor::amd, Vendor::intel_sgx};
    case EvidenceKind::azure_imds_document:
      return {Vendor::microsoft_tls};
    case EvidenceKind::simulated_quote:
      return {Vendor::simulated};
    case EvidenceKind::google_cs_token:
      return {Vendor::google_confidential_space};
    case EvidenceKind::google_endorsement:
      return {Vendor::google_firmware};
    case EvidenceKind::nvidia_gpu_report:
    case EvidenceKind::nvidia_switch_report:
      return {Vendor::nvidia_device, Vendor::nvidia_rim};
    case EvidenceKind::ita_token:
      return {Vendor::intel_trust_authority};
    case EvidenceKind::nras_token:
    case EvidenceKind::maa_token:
    case EvidenceKind::eat_token:
    case EvidenceKind::event_log:
      return {};
  }
  return {};
}

Verified<Claims> verify_evidence(EvidenceKind kind, Bytes evidence, const Collateral& collateral,
                                 const Roots& roots, int64_t time, const VerifyOptions& options) {
  const auto verified = [&]() -> Verified<Claims> {
    switch (kind) {
      case EvidenceKind::tdx_quote:
        return tdx::verify_tdx_quote(evidence, collateral, roots, time);
      case EvidenceKind::simulated_quote:
        return simulated::verify_simulated_quote(evidence, collateral, roots, time);
      case EvidenceKind::sgx_quote:
        return tdx::verify_sgx_quote(evidence, collateral, roots, time);
      case EvidenceKind::snp_report:
        return snp::verify_snp_report(evidence, collateral, roots, time);
      case EvidenceKind::nitro_document:
        return nitro::verify_nitro_document(evidence, roots, time);
      case EvidenceKind::google_endorsement:
        return google::verify_endorsement(evidence, roots, time);
      default:
        return verify_with_nonce(kind, evidence, collateral, roots, time, options.nonce);
    }
  };
  Claims claims = TRY(verified());
  const bool plain = kind == EvidenceKind::tdx_quote || kind == EvidenceKind::sgx_quote ||
                     kind == EvidenceKind::snp_report || kind == EvidenceKind::nitro_document ||
                     kind == EvidenceKind::simulated_quote;
  if (options.nonce && plain) TRY(check_nonce(*options.nonce, claims));
  if (options.nonce && kind == EvidenceKind::google_endorsement) {
    return refuse(Reason::binding_mismatch, "an endorsement carries no nonce");
  }
  for (Vendor vendor : vendors_of(kind)) {
    claims.root_replaced = claims.root_replaced || roots.of(vendor).replaced;
  }
  return claims;
}

Result<std::string> name_of_single_collateral(EvidenceKind kind, Bytes file) {
  switch (kind) {
    case EvidenceKind::snp_report:
      return std::string(snp::kKeyCertificate);
    case EvidenceKind::azure_hcl_report:
      return std::string(holds(file, "vcekCert") ? azure::kThimBlob : snp::kKeyCertificate);
    case EvidenceKind::nvidia_gpu_report:
    case EvidenceKind::nvidia_switch_report:
      if (holds(file, "-----BEGIN CERTIFICATE")) return std::string(nvidia::kDeviceChain);
      return std::string(TRY(nvidia::rim_collateral_name(file)));
    case EvidenceKind::nras_token:
    case EvidenceKind::maa_token:
    case EvidenceKind::ita_token:
    case EvidenceKind::eat_token:
    case EvidenceKind::google_cs_token:
      return std::string(token::kTokenKeys);
    case EvidenceKind::azure_imds_document:
      return std::string(azure::kImdsIntermediates);
    default:
      return fail(ErrorKind::unsupported,
                  "evidence of kind {} takes its collateral from a folder, by the files' names",
                  to_string(kind));
  }
}

}  // namespace sotto::attest

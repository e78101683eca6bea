// The rules that each kind of evidence needs.
// SPDX-License-Identifier: Apache-2.0
#include "attest/appraise/required_rules.h"

namespace sotto::attest {
namespace {

using Names = std::vector<std::string_view>;

Names intel(bool tdx) {
  Names names = {"quote-format",
                 "quote-kind",
                 "qe-vendor",
                 "pck-chain",
                 "pck-platform",
                 "pck-key",
                 "qe-report-signature",
                 "attestation-key-binding",
                 "attestation-key",
                 "quote-signature",
                 "pck-revocation",
                 "tcb-info-signature",
                 "tcb-info-kind",
                 "tcb-info-validity",
                 "tcb-info-fmspc",
                 "tcb-info-pceid",
                 "qe-identity-signature",
                 "qe-identity-kind",
                 "qe-identity-validity",
                 "qe-miscselect",
                 "qe-attributes",
                 "qe-mrsigner",
                 "qe-isvprodid",
                 "qe-tcb-level",
                 "tcb-level",
                 "tcb-not-revoked"};
  if (tdx) {
    names.insert(names.end(),
                 {"tdx-module-identity", "tdx-module-mrsigner", "tdx-module-attributes"});
  }
  return names;
}

Names amd() {
  return {"key-certificate", "amd-chain", "amd-extensions",   "amd-issuers",
          "signing-key",     "product",   "report-signature", "tcb",
          "policy-bits",     "vmpl",      "tcb-order",        "firmware-order",
          "id-block"};
}

Names with(Names names, std::initializer_list<std::string_view> more) {
  names.insert(names.end(), more);
  return names;
}

// The machine's own evidence, and what ties the paravisor's to it.
Names azure(std::string_view platform) {
  const Names hardware = platform == "azure-tdx" ? with(intel(true), {"hcl-td-quote"}) : amd();
  return with(hardware, {"hcl-report", "hcl-runtime-binding", "hcl-vtpm-key", "tpm-evidence",
                         "tpm-quote-signature", "tpm-quote", "tpm-pcr-digest"});
}

}  // namespace

std::vector<std::string_view> required_rules(EvidenceKind kind, std::string_view platform) {
  switch (kind) {
    case EvidenceKind::tdx_quote:
    case EvidenceKind::simulated_quote:
      return intel(true);
    case EvidenceKind::sgx_quote:
      return intel(false);
    case EvidenceKind::snp_report:
      return with(amd(), {"report-format"});
    case EvidenceKind::nitro_document:
      return {"document-format", "issued-at", "aws-chain", "leaf-usage", "document-signature"};
    case EvidenceKind::tpm_quote:
      return {"tpm-evidence",        "tpm-key",   "tpm-key-primary",
              "tpm-quote-signature", "tpm-quote", "tpm-pcr-digest"};
    case EvidenceKind::azure_hcl_report:
      return azure(platform);
    case EvidenceKind::google_endorsement:
      return {"endorsement-format", "endorsement-chain", "endorsement-signature"};
    case EvidenceKind::nvidia_gpu_report:
      return {"report-format", "device-chain", "device-kind", "report-signature",
              "firmware-id",   "driver-rim",   "vbios-rim",   "measurements"};
    case EvidenceKind::nvidia_switch_report:
      return {"report-format", "device-chain", "device-kind", "report-signature",
              "firmware-id",   "vbios-rim",    "measurements"};
    case EvidenceKind::google_cs_token:
    case EvidenceKind::nras_token:
    case EvidenceKind::maa_token:
    case EvidenceKind::ita_token:
    case EvidenceKind::eat_token:
      return {"token-format",  "token-key",    "token-signature",
              "token-payload", "token-expiry", "token-issuer"};
    case EvidenceKind::azure_imds_document:
      return {"imds-signature", "imds-signer", "imds-chain", "imds-document", "imds-lifetime"};
    case EvidenceKind::event_log:
      return {};
  }
  return {};
}

}  // namespace sotto::attest

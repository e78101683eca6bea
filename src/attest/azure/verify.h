// Azure's confidential VMs: hardware report, paravisor's runtime data, vTPM's key, vTPM's quote.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "attest/azure/hcl_report.h"
#include "attest/claims.h"
#include "attest/evidence.h"
#include "attest/tpm/evidence.h"
#include "attest/verify_error.h"

namespace sotto::attest::azure {

// Collateral of an HCL report, beside what the hardware's own verification reads:
inline constexpr std::string_view kTpmQuoteBlob = "tpm_quote.json";  // tpm/evidence.h, of the vTPM
inline constexpr std::string_view kTdQuoteBlob = "td_quote.bin";  // that IMDS made of the TDREPORT
inline constexpr std::string_view kThimBlob = "thim.json";        // IMDS's answer with the VCEK
// Optional, and not looked at with the report: the instance's attested document, which imds.h verifies.
inline constexpr std::string_view kImdsDocumentBlob = "imds_document.der";

// Verifies the hardware's signed statement: an SNP report of 1184 bytes, or a TD quote. Its claims have
// the measurements that the hardware has, and report_data.
using HardwareVerifier =
    std::function<Verified<Claims>(HardwareReport kind, Bytes evidence, const Collateral&)>;

struct HclOptions {
  std::optional<std::vector<uint8_t>> qualifying_data;  // what the quote must carry
};

// Evidence of kind azure_hcl_report. The hardware's report data is Azure's, so what is fresh and the
// caller's is the vTPM's quote alone: without one, the rule tpm-quote is there as skipped. Claims:
// the hardware's, platform "azure-sev-snp" or "azure-tdx", PCRs as tpm/verify.h names them, report_data
// the quote's qualifying data, values user_data and hardware_report_data, flags secure_boot, tpm_enabled
// and console_enabled as far as told. Rules beside the hardware's and the quote's:
//   hcl-report           malformed, unsupported
//   hcl-runtime-binding  binding_mismatch: the report data is the runtime data's hash, then zeros
//   hcl-td-quote         binding_mismatch: the TD quote repeats the TDREPORT inside
//   hcl-vtpm-key         malformed, unsupported: HCLAkPub
//   tpm-evidence         malformed, unsupported: kTpmQuoteBlob
Verified<Claims> verify_hcl_report(Bytes report, const HclOptions& options,
                                   const Collateral& collateral, const HardwareVerifier& hardware,
                                   int64_t time);

// {"quote": base64url} as IMDS answers POST /acc/tdquote.
Result<std::vector<uint8_t>> parse_td_quote_answer(std::string_view json);

// {"vcekCert": PEM, "certificateChain": PEM, …} as IMDS answers GET /metadata/THIM/amd/certification.
struct ThimCertificates {
  std::string vcek;   // PEM
  std::string chain;  // PEM: ASK, ARK
};
Result<ThimCertificates> parse_thim_answer(std::string_view json);

}  // namespace sotto::attest::azure

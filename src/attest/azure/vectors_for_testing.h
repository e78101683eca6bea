// Recorded evidence of Azure's confidential VMs, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "attest/azure/verify.h"
#include "attest/event_log/vectors_for_testing.h"
#include "attest/tpm/evidence.h"
#include "base/text_encoding.h"

namespace sotto::attest::testing {

inline constexpr int64_t kJune2025 = 1'748'736'000;

// The vTPM's quote beside an HCL report: message, signature and registers in files of their own.
inline tpm::QuoteEvidence vtpm_quote(const std::filesystem::path& folder) {
  tpm::QuoteEvidence evidence;
  evidence.attest = read_bytes(folder / "vtpm.tpmquote.msg");
  evidence.signature = read_bytes(folder / "vtpm.tpmquote.sig");
  const auto pcrs = read_json(folder / "vtpm.pcrs.json");
  for (const auto& [pcr, value] : pcrs.at("sha256").as_object()) {
    constexpr uint16_t kSha256 = 0x000b;
    evidence.pcrs[kSha256][static_cast<uint32_t>(std::stoul(std::string(pcr)))] =
        from_hex({value.get_string().data(), value.get_string().size()});
  }
  return evidence;
}

struct AzureVector {
  std::vector<uint8_t> report;
  Collateral collateral;
};

inline void add(Collateral& collateral, std::string_view name, std::vector<uint8_t> bytes) {
  const auto ok = collateral.add(std::string(name), std::move(bytes));
  CHECK(ok.has_value());
}

// One of confidential-containers_trustee's folders, with the certificate or TD quote that it has.
inline AzureVector azure_vector(const std::string& name) {
  const std::filesystem::path folder = vectors() / "azure/confidential-containers_trustee" / name;
  AzureVector vector;
  vector.report = read_bytes(folder / "hcl_report.bin");
  const std::string quote = tpm::serialize(vtpm_quote(folder));
  add(vector.collateral, azure::kTpmQuoteBlob, {quote.begin(), quote.end()});
  for (const char* vcek : {"vcek.der", "vcek.pem"}) {
    if (std::filesystem::exists(folder / vcek)) {
      add(vector.collateral, "vek.der", read_bytes(folder / vcek));
    }
  }
  if (std::filesystem::exists(folder / "td_quote.bin")) {
    add(vector.collateral, azure::kTdQuoteBlob, read_bytes(folder / "td_quote.bin"));
  }
  return vector;
}

}  // namespace sotto::attest::testing

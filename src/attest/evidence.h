// What evidence is: its kinds, and the collateral that comes with it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/verify_error.h"
#include "base/bytes.h"

namespace sotto::attest {

enum class EvidenceKind : uint8_t {
  tdx_quote,
  sgx_quote,
  snp_report,
  nitro_document,  // an enclave's or a NitroTPM's
  tpm_quote,
  azure_hcl_report,
  azure_imds_document,
  google_cs_token,     // Confidential Space
  google_endorsement,  // of a firmware: reference values, not a machine's evidence
  nvidia_gpu_report,
  nvidia_switch_report,
  nras_token,
  maa_token,
  ita_token,
  eat_token,  // of another service, by keys that the caller gives
  event_log,
  simulated_quote,  // a TDX quote of the simulated TEE, which protects nothing
};

// As the command line and the evidence bundle write it: "tdx-quote", "sgx-quote", …
std::string_view to_string(EvidenceKind kind);
std::optional<EvidenceKind> evidence_kind(std::string_view name);
// Every kind, in the order of the enumeration.
std::vector<EvidenceKind> evidence_kinds();

inline constexpr uint64_t kCollateralBytesMax = 8 << 20;  // of one blob
inline constexpr uint64_t kCollateralBlobsMax = 64;

// Named blobs. Intel's have the names of the files that `--collateral DIR` takes ("tcb_info.json",
// "pck_crl.der", …); each platform's folder says in its verify.h which names it reads. A plain value.
class Collateral {
 public:
  // Replaces what was there. `exhausted` beyond the limits above.
  Result<void> add(std::string name, std::vector<uint8_t> bytes);

  // Nothing when absent.
  std::optional<Bytes> find(std::string_view name) const;
  // `missing_collateral` when absent.
  Verified<Bytes> need(std::string_view name) const;
  const std::map<std::string, std::vector<uint8_t>, std::less<>>& blobs() const { return blobs_; }

 private:
  std::map<std::string, std::vector<uint8_t>, std::less<>> blobs_;
};

}  // namespace sotto::attest

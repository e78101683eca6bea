// Evidence of this machine's processor or enclave, whichever it is, with the collateral that its host
// hands out beside it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "attest/collect/detect.h"
#include "attest/collect/device.h"
#include "attest/collect/tsm_report.h"
#include "attest/evidence.h"

namespace sotto::attest::collect {

struct CpuRequest {
  std::array<uint8_t, 64> report_data{};  // Nitro's user_data
  // Only a Nitro document has room for these; elsewhere report_data has to vouch for them.
  std::optional<std::vector<uint8_t>> nonce = {};
  std::optional<std::vector<uint8_t>> public_key = {};
  std::optional<uint32_t> vmpl = {};  // SEV-SNP's privilege level; nothing: the kernel's own
};

struct CpuEvidence {
  EvidenceKind kind{};
  std::vector<uint8_t> evidence;
  Collateral collateral;  // SEV-SNP's certificates, where the host has them
};

// How the system is reached; a test plays it.
class Access {
 public:
  virtual ~Access() = default;
  virtual std::unique_ptr<TsmFolder> tsm(const std::filesystem::path& path) = 0;
  virtual Result<std::unique_ptr<Device>> device(const std::filesystem::path& path) = 0;
};
std::unique_ptr<Access> system_access();

// `unsupported` for the platforms whose evidence a TPM makes. Not for two threads on one Access.
Result<CpuEvidence> collect_cpu_evidence(Platform platform, const Places& places, Access& access,
                                         const CpuRequest& request);

}  // namespace sotto::attest::collect

// Several devices' evidence in one JSON text, as NVIDIA's tools and its attestation service write it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sotto::attest::nvidia {

inline constexpr uint64_t kEvidenceListBytesMax = 1 << 20;
inline constexpr size_t kDevicesMax = 64;

struct DeviceEvidence {
  std::string architecture;     // "HOPPER", "BLACKWELL", "LS10": a hint, the certificate says it
  std::vector<uint8_t> report;  // for verify_gpu_report or verify_switch_report
  std::vector<uint8_t> chain;   // PEM, the device's certificate first
  std::optional<std::string> nonce;  // hexadecimal, where the text names one
};

// [{"arch", "evidence", "certificate", "nonce"}, …], or an object with "evidence_list" in that form
// and "arch" and "nonce" for all. Strict, but members that are not used are passed over.
Result<std::vector<DeviceEvidence>> parse_evidence_list(std::string_view json);

}  // namespace sotto::attest::nvidia

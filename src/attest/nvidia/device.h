// Which device a certificate and a report are of, and what the report says in words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "attest/claims.h"
#include "attest/nvidia/spdm_report.h"
#include "crypto/x509.h"

namespace sotto::attest::nvidia {

enum class Architecture : uint8_t { hopper, blackwell, ls10 };
std::string_view to_string(Architecture architecture);
inline bool is_switch(Architecture architecture) {
  return architecture == Architecture::ls10;
}

struct Device {
  Architecture architecture{};
  std::string chip;  // "GH100", "GB20X", "LS10", as manifests write it
};

// By the leaf's name, "GH100 A01 GSP FMC LF"; `unsupported` for chips that are not known.
Result<Device> device_of(const crypto::Certificate& leaf);

// How GPUs work together: "single", "multi" (with encrypted NVLink), "protected-pcie".
// `unsupported` for other values, `malformed` for contradictions.
Result<std::string> gpu_mode(const ReportUnverified& report);

// Fills in what the report says: measurements, nonce, mode bits, versions and part numbers.
Result<void> describe(const ReportUnverified& report, const Device& device, Claims& claims);

}  // namespace sotto::attest::nvidia

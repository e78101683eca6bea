// The part of NVIDIA's management library that attestation needs, as its binary interface has it
// [NVML]; the library itself is loaded at run time, where a driver brought it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sotto::attest::nvidia::nvml {

using Return = int;
inline constexpr Return kSuccess = 0;
inline constexpr Return kNotSupported = 3;

using Device = void*;

inline constexpr uint32_t kChainBytesMax = 0x1000;
inline constexpr uint32_t kAttestationChainBytesMax = 0x1400;
inline constexpr uint32_t kReportBytesMax = 0x2000;
inline constexpr uint32_t kCecReportBytesMax = 0x1000;

struct ConfComputeState {
  uint32_t environment;     // 0 unavailable, 1 simulation, 2 production
  uint32_t cc_feature;      // 1: on
  uint32_t dev_tools_mode;  // 1: on, memory can be read by debuggers
};

struct GpuCertificate {
  uint32_t chain_bytes;
  uint32_t attestation_chain_bytes;
  uint8_t chain[kChainBytesMax];
  uint8_t attestation_chain[kAttestationChainBytesMax];  // PEM
};

struct GpuAttestationReport {
  uint32_t is_cec_present;
  uint32_t report_bytes;
  uint32_t cec_report_bytes;
  uint8_t nonce[32];  // in
  uint8_t report[kReportBytesMax];
  uint8_t cec_report[kCecReportBytesMax];
};

static_assert(sizeof(ConfComputeState) == 12);
static_assert(sizeof(GpuCertificate) == 8 + 0x1000 + 0x1400);
static_assert(sizeof(GpuAttestationReport) == 12 + 32 + 0x2000 + 0x1000);

}  // namespace sotto::attest::nvidia::nvml

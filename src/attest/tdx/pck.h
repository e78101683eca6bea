// What Intel's extension of a PCK certificate says about the platform [PCK §1.3.5].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "crypto/x509.h"

namespace sotto::attest::tdx {

struct PckPlatform {
  std::array<uint8_t, 16> ppid{};
  std::array<uint8_t, 16> sgx_components{};  // security versions, in the order of TCB levels
  uint16_t pce_svn = 0;
  std::array<uint8_t, 16> cpu_svn{};
  std::array<uint8_t, 2> pce_id{};
  std::array<uint8_t, 6> fmspc{};
  uint8_t sgx_type = 0;  // 0 standard, 1 scalable, 2 scalable with integrity
  // Of multi-package platforms only.
  std::optional<std::array<uint8_t, 16>> platform_instance_id;
  std::optional<bool> dynamic_platform;
  std::optional<bool> cached_keys;
  std::optional<bool> smt_enabled;
};

// `malformed` when the extension is missing or lacks, repeats or misspells a field.
Result<PckPlatform> parse_pck_platform(const crypto::Certificate& pck);

}  // namespace sotto::attest::tdx

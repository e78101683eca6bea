// A TD's own report from /dev/tdx_guest: what a quoting service turns into a quote [TDX-GUEST].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "attest/collect/device.h"

namespace sotto::attest::collect {

using TdReport = std::array<uint8_t, 1024>;

// Good only on the machine that made it: no signature, a MAC by its processor.
Result<TdReport> request_td_report(Device& device, const std::array<uint8_t, 64>& report_data);

}  // namespace sotto::attest::collect

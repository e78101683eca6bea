// Extending a trust domain's run-time measurement register 3 through Linux's sysfs (6.16 and newer).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace sotto::attest::collect {

using Rtmr = std::array<uint8_t, 48>;

// `path` is normally Places::rtmr3. `unavailable` where the kernel does not offer it, `denied` without
// the right to.
Result<Rtmr> read_rtmr(const std::filesystem::path& path);
// The register becomes SHA-384 of itself and `digest`; there is no way back before the next boot.
Result<void> extend_rtmr(const std::filesystem::path& path, const Rtmr& digest);

}  // namespace sotto::attest::collect

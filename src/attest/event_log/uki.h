// The sections of a unified kernel image, as systemd-stub measured them into PCR 11.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "attest/event_log/tcg.h"

namespace sotto::attest::event_log {

inline constexpr uint32_t kPcrKernelBoot = 11;  // [UKI]

struct UkiSection {
  std::string name;             // ".linux"
  std::vector<uint8_t> digest;  // of the section's bytes
};

// Each section is two events with the section's name as their data: the digest of the name with its
// NUL, then that of the contents. The first is recomputed, so a name is as good as the register.
// Empty without any such event; `malformed` for a name without contents or with another's digest.
Result<std::vector<UkiSection>> uki_sections(const Log& log, uint16_t algorithm);

}  // namespace sotto::attest::event_log

// JSON whose signature covers a member's bytes as they came, not as a parser would write them again.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"

namespace sotto::attest {

inline constexpr uint64_t kJsonBytesMax = 4 << 20;
inline constexpr uint32_t kJsonDepthMax = 32;

// The bytes of the value of `member` in the object that `json` is: from the value's first character to
// its last. `malformed` when `json` is no object, or the member is missing or there twice. Names are
// compared as they are written, without their escapes.
Result<std::string_view> raw_member(std::string_view json, std::string_view member);

}  // namespace sotto::attest

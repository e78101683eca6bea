// Points in time as text, "2025-06-19T10:16:03Z" [RFC3339 §5.6], and as seconds since 1970.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sotto {

// Seconds since 1970 without leap seconds. Strict: exactly this form, in UTC, years 1970 to 9999; a
// fraction of a second is allowed and dropped.
Result<int64_t> parse_utc_time(std::string_view text);
// Its inverse, for years 1970 to 9999; other times as a number.
std::string utc_time_text(int64_t unix_seconds);

}  // namespace sotto

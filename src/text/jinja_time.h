// strftime for templates.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sotto::text::jinja {

// No byte of a format makes more than this.
inline constexpr size_t kTimePartBytesMax = 32;

// As strftime does in the C locale, with %-d for numbers without padding; `unsupported` for letters
// that are not known. The C library's own would ask the machine's locale, and a prompt must not
// depend on that. Time zones are empty: `now` has none.
Result<std::string> format_time(std::string_view format, const std::tm& now);

}  // namespace sotto::text::jinja

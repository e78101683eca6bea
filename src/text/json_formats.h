// The formats of JSON Schema that strings can be held to.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace sotto::text {

// A pattern all of whose texts are of the format; nothing for formats that are not known
// [JSON-SCHEMA §7.3].
std::optional<std::string_view> pattern_of_format(std::string_view format);

}  // namespace sotto::text

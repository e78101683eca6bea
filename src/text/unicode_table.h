// Letter case and character classes of code points, as Python's str methods define them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace sotto::text {

// One to three code points; unused ones are 0.
using CaseMapping = std::array<uint32_t, 3>;

CaseMapping to_upper(uint32_t code_point);
CaseMapping to_lower(uint32_t code_point);
CaseMapping to_title(uint32_t code_point);

bool is_alphabetic(uint32_t code_point);
bool is_digit(uint32_t code_point);
bool is_numeric(uint32_t code_point);
bool is_uppercase(uint32_t code_point);
bool is_lowercase(uint32_t code_point);
bool is_printable(uint32_t code_point);
bool is_space(uint32_t code_point);

}  // namespace sotto::text

// Strict UTF-8 [RFC3629]: one sequence at a time, telling broken bytes from unfinished ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sotto::text {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  // U+FFFD

struct Utf8Sequence {
  enum class State : uint8_t {
    valid,
    invalid,     // `bytes` of it can never be part of valid text
    unfinished,  // the text ends inside a sequence that is valid so far
  };
  State state;
  uint8_t bytes;        // how far to go on, at least 1
  uint32_t code_point;  // of a valid sequence
};

// The sequence at the start of `text`, which must not be empty. An invalid one is as long as
// Unicode advises to replace by one U+FFFD: the longest start of a valid sequence, or one byte.
Utf8Sequence next_utf8(std::string_view text);

// `code_point` is below 0x110000 and no surrogate.
void append_utf8(std::string& out, uint32_t code_point);

// How many bytes at the start of `text` are valid UTF-8.
size_t valid_utf8_prefix(std::string_view text);

// The text with U+FFFD in place of what is not valid.
std::string make_valid_utf8(std::string_view text);

}  // namespace sotto::text

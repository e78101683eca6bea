// Integers of 1, 2, 4 or 8 bytes, whose first two bits say how many [RFC9000 §16].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sotto::channel {

inline constexpr uint64_t kVarintMax = (uint64_t{1} << 62) - 1;

// The shortest form; `value` at most kVarintMax.
void append_varint(std::vector<uint8_t>& to, uint64_t value);
// How many bytes an integer has that begins with this one.
inline size_t varint_bytes(uint8_t first) {
  return size_t{1} << (first >> 6);
}
Result<uint64_t> read_varint(ByteReader& in, std::string_view field);

}  // namespace sotto::channel

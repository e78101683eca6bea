// Hexadecimal and base64, as evidence, tokens and collateral write bytes in text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sotto {

// Lower case, two digits a byte.
std::string hex_of(Bytes bytes);
// Either case, an even number of digits and nothing else; `malformed` otherwise.
Result<std::vector<uint8_t>> bytes_of_hex(std::string_view text);

// The two alphabets of [RFC4648 §4] and [RFC4648 §5].
enum class Base64 { standard, url };

// With padding in the standard alphabet, without in the other, as JOSE has it.
std::string base64_of(Bytes bytes, Base64 alphabet);
// Strict: the one text that stands for the bytes, with or without its padding; no spaces, no line
// ends, no bits left over.
Result<std::vector<uint8_t>> bytes_of_base64(std::string_view text, Base64 alphabet);

}  // namespace sotto

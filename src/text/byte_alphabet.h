// The alphabet of byte-level vocabularies: every byte written as one printable character.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sotto::text {

// GPT-2's choice, which all byte-level vocabularies share: bytes that print in Latin-1 stand for
// themselves, the others in ascending order for U+0100 onwards. So a space is "Ġ", a newline "Ċ".
void append_byte_letter(std::string& out, uint8_t byte);

// The bytes that a vocabulary entry spells. Characters outside the alphabet, which only hand-made
// entries have, stand for themselves.
std::string spell_bytes(std::string_view entry);

}  // namespace sotto::text

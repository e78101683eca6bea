// Both directions of the byte-level alphabet, from tables computed once.
// SPDX-License-Identifier: Apache-2.0
#include "text/byte_alphabet.h"

#include <array>

#include "text/utf8.h"

namespace sotto::text {
namespace {

constexpr uint32_t kLetterEnd = 0x144;  // one past the last letter

constexpr bool stands_for_itself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

constexpr std::array<uint16_t, 256> make_letters() {
  std::array<uint16_t, 256> letters{};
  uint16_t next = 0x100;
  for (uint16_t byte = 0; byte < 256; ++byte) {
    letters[byte] = stands_for_itself(byte) ? byte : next++;
  }
  return letters;
}

constexpr std::array<uint16_t, 256> kLetters = make_letters();

constexpr std::array<int16_t, kLetterEnd> make_bytes() {
  std::array<int16_t, kLetterEnd> bytes{};
  bytes.fill(-1);
  for (int16_t byte = 0; byte < 256; ++byte) bytes[kLetters[byte]] = byte;
  return bytes;
}

constexpr std::array<int16_t, kLetterEnd> kBytes = make_bytes();
static_assert(kLetters[' '] == 0x120 && kLetters['\n'] == 0x10A && kBytes[kLetterEnd - 1] == 0xAD);

}  // namespace

void append_byte_letter(std::string& out, uint8_t byte) {
  append_utf8(out, kLetters[byte]);
}

std::string spell_bytes(std::string_view entry) {
  std::string bytes;
  bytes.reserve(entry.size());
  while (!entry.empty()) {
    const Utf8Sequence next = next_utf8(entry);
    const bool letter = next.state == Utf8Sequence::State::valid && next.code_point < kLetterEnd &&
                        kBytes[next.code_point] >= 0;
    if (letter) {
      bytes.push_back(static_cast<char>(kBytes[next.code_point]));
    } else {
      bytes.append(entry.substr(0, next.bytes));
    }
    entry.remove_prefix(next.bytes);
  }
  return bytes;
}

}  // namespace sotto::text

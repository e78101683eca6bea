// Numbers and characters.
// SPDX-License-Identifier: Apache-2.0
#include "text/scanner.h"

#include <charconv>

#include "text/utf8.h"

namespace sotto::text {

std::optional<uint32_t> Scanner::take_number(uint32_t most) {
  uint32_t number = 0;
  const char* begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), number);
  if (error != std::errc() || number > most) return std::nullopt;
  at_ += static_cast<size_t>(end - begin);
  return number;
}

std::optional<char32_t> Scanner::take_hex(size_t digits) {
  const std::string_view word = text_.substr(at_, digits);
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
  const bool whole = word.size() == digits && end == word.data() + digits;
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (error != std::errc() || !whole || surrogate || value > 0x10ffff) return std::nullopt;
  at_ += digits;
  return char32_t{value};
}

std::optional<char32_t> Scanner::take_character() {
  if (at_end()) return std::nullopt;
  const Utf8Sequence next = next_utf8(text_.substr(at_));
  if (next.state != Utf8Sequence::State::valid) return std::nullopt;
  at_ += next.bytes;
  return char32_t{next.code_point};
}

}  // namespace sotto::text

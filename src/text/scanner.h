// Reading a notation character by character: what grammars and regular expressions have in common.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sotto::text {

// Borrows the text. Nothing is taken where nothing is returned.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

 protected:
  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  // A decimal number; nothing also where it is above `most`.
  std::optional<uint32_t> take_number(uint32_t most);
  // A code point of so many hexadecimal digits; nothing also for surrogates and what is above U+10FFFF.
  std::optional<char32_t> take_hex(size_t digits);
  // One code point of valid UTF-8.
  std::optional<char32_t> take_character();

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace sotto::text

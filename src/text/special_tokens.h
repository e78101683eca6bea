// Finds the vocabulary entries that are recognised as they stand, before any splitting of text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/token.h"

namespace sotto::text {

struct TokenMatch {
  size_t begin;
  size_t end;
  TokenId id;
};

// A set of token texts. Matching is leftmost first, then longest, and costs at most the longest
// token's length per byte of text. The texts are borrowed.
class SpecialTokens {
 public:
  struct Entry {
    std::string_view text;
    TokenId id;
  };

  explicit SpecialTokens(std::vector<Entry> entries);  // with texts that differ and are not empty

  bool empty() const { return entries_.empty(); }

  // Appends the matches inside text[begin, end), in order, none overlapping another.
  void find(std::string_view text, size_t begin, size_t end, std::vector<TokenMatch>& out) const;

 private:
  const Entry* longest_at(std::string_view text) const;

  std::vector<Entry> entries_;            // sorted by text
  std::array<uint32_t, 257> by_first_{};  // where the entries of each first byte begin
};

}  // namespace sotto::text

// A sorted array searched like a trie: each further byte of text narrows the range of candidates.
// SPDX-License-Identifier: Apache-2.0
#include "text/special_tokens.h"

#include <algorithm>

namespace sotto::text {

SpecialTokens::SpecialTokens(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::ranges::sort(entries_, {}, &Entry::text);
  for (const Entry& entry : entries_) ++by_first_[static_cast<uint8_t>(entry.text[0]) + 1];
  for (size_t i = 1; i < by_first_.size(); ++i) by_first_[i] += by_first_[i - 1];
}

const SpecialTokens::Entry* SpecialTokens::longest_at(std::string_view text) const {
  const uint8_t first = static_cast<uint8_t>(text[0]);
  auto low = entries_.begin() + by_first_[first];
  auto high = entries_.begin() + by_first_[first + 1];
  const Entry* longest = nullptr;
  // All of [low, high) begin with the first `depth` bytes of the text; the shortest comes first.
  for (size_t depth = 1; low != high; ++depth) {
    if (low->text.size() == depth) longest = &*low++;
    if (depth == text.size()) break;
    const auto byte_at_depth = [depth](const Entry& entry) {
      return static_cast<uint8_t>(entry.text[depth]);
    };
    const auto range =
        std::ranges::equal_range(low, high, static_cast<uint8_t>(text[depth]), {}, byte_at_depth);
    low = range.begin();
    high = range.end();
  }
  return longest;
}

void SpecialTokens::find(std::string_view text, size_t begin, size_t end,
                         std::vector<TokenMatch>& out) const {
  if (entries_.empty()) return;
  while (begin < end) {
    const Entry* match = longest_at(text.substr(begin, end - begin));
    if (match == nullptr) {
      ++begin;
      continue;
    }
    out.push_back({begin, begin + match->text.size(), match->id});
    begin += match->text.size();
  }
}

}  // namespace sotto::text

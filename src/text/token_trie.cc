// Sorting tokens by their bytes and laying the tree out.
// SPDX-License-Identifier: Apache-2.0
#include "text/token_trie.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace sotto::text {

TokenTrie::TokenTrie(const Tokenizer& tokenizer) : vocabulary_(tokenizer.vocabulary_size()) {
  offsets_.reserve(vocabulary_ + 1);
  for (uint32_t id = 0; id < vocabulary_; ++id) {
    offsets_.push_back(static_cast<uint32_t>(bytes_.size()));
    const auto token = static_cast<TokenId>(id);
    // Markers stand for themselves: text that is held to a grammar has none.
    if (tokenizer.ends_generation(token) || tokenizer.is_marker(token)) continue;
    const std::string text = tokenizer.token_bytes(token);
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    longest_ = std::max(longest_, static_cast<uint32_t>(text.size()));
    if (!text.empty()) ids_.push_back(token);
    if (text.size() > kLongToken) long_tokens_.push_back(token);
  }
  offsets_.push_back(static_cast<uint32_t>(bytes_.size()));
  std::sort(ids_.begin(), ids_.end(), [&](TokenId a, TokenId b) {
    const auto order = std::lexicographical_compare_three_way(bytes(a).begin(), bytes(a).end(),
                                                              bytes(b).begin(), bytes(b).end());
    return order == 0 ? a < b : order < 0;
  });

  std::vector<uint32_t> open;  // the nodes on the way to the token at hand
  std::span<const uint8_t> before;
  for (uint32_t i = 0; i < ids_.size(); ++i) {
    const std::span<const uint8_t> text = bytes(ids_[i]);
    const size_t common =
        static_cast<size_t>(std::ranges::mismatch(before, text).in1 - before.begin());
    for (; open.size() > common; open.pop_back()) {
      nodes_[open.back()].end = static_cast<uint32_t>(nodes_.size());
    }
    for (size_t depth = common; depth < text.size(); ++depth) {
      open.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({text[depth], static_cast<uint16_t>(depth), 0, i});
    }
    before = text;
  }
  for (const uint32_t node : open) nodes_[node].end = static_cast<uint32_t>(nodes_.size());
  // A node that is only on the way to a token begins where the next node does: it has none itself.
  nodes_.push_back({0, 0, 0, static_cast<uint32_t>(ids_.size())});
}

std::span<const uint8_t> TokenTrie::bytes(TokenId id) const {
  const auto at = static_cast<size_t>(id);
  return std::span(bytes_).subspan(offsets_[at], offsets_[at + 1] - offsets_[at]);
}

}  // namespace sotto::text

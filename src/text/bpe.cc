// Merging with a heap of candidate pairs over a linked list of tokens: n log n for any text.
// SPDX-License-Identifier: Apache-2.0
#include "text/bpe.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "text/byte_alphabet.h"
#include "text/utf8.h"

namespace sotto::text {
namespace {

constexpr TokenId kNone = -1;

// The token that text merged to `entry` becomes.
std::optional<TokenId> find_mergeable(const Vocabulary& vocabulary, std::string_view entry) {
  const std::optional<TokenId> id = vocabulary.find(entry);
  if (!id || vocabulary.is_marker(*id) || vocabulary.kind(*id) == TokenKind::user_defined ||
      vocabulary.kind(*id) == TokenKind::byte) {
    return std::nullopt;
  }
  return id;
}

}  // namespace

Result<MergeRules> MergeRules::parse(const std::vector<std::string>& merges,
                                     const Vocabulary& vocabulary) {
  struct Sortable {
    TokenId left;
    TokenId right;
    uint32_t rank;
    auto operator<=>(const Sortable&) const = default;
  };
  if (merges.size() > 4ull * kVocabularyTokensMax) {
    return fail(ErrorKind::malformed, "tokenizer.ggml.merges has {} entries, at most {}",
                merges.size(), 4ull * kVocabularyTokensMax);
  }
  MergeRules rules;
  std::vector<Sortable> sorted;
  std::string joined;
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string_view merge = merges[i];
    // A space at the very start would be a part of its own; no byte-level entry has one.
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      return fail(ErrorKind::malformed, "tokenizer.ggml.merges: entry {} is not two parts", i);
    }
    joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
    const auto left = find_mergeable(vocabulary, merge.substr(0, space));
    const auto right = find_mergeable(vocabulary, merge.substr(space + 1));
    const auto merged = find_mergeable(vocabulary, joined);
    if (!left || !right || !merged) continue;
    sorted.push_back({*left, *right, static_cast<uint32_t>(rules.rules_.size())});
    rules.rules_.push_back({*left, *right, *merged});
  }
  std::ranges::sort(sorted);
  rules.begins_.assign(vocabulary.size() + 1, 0);
  rules.continuations_.reserve(sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    const Sortable& one = sorted[i];
    if (i > 0 && sorted[i - 1].left == one.left && sorted[i - 1].right == one.right) continue;
    rules.continuations_.push_back({one.right, one.rank});
    ++rules.begins_[static_cast<size_t>(one.left) + 1];
  }
  std::partial_sum(rules.begins_.begin(), rules.begins_.end(), rules.begins_.begin());
  return rules;
}

std::optional<uint32_t> MergeRules::rank(TokenId left, TokenId right) const {
  const auto begin = continuations_.begin() + begins_[static_cast<size_t>(left)];
  const auto end = continuations_.begin() + begins_[static_cast<size_t>(left) + 1];
  const auto place = std::ranges::lower_bound(begin, end, right, {}, &Continuation::right);
  if (place == end || place->right != right) return std::nullopt;
  return place->rank;
}

// Working memory of one call, kept from piece to piece.
struct BytePairEncoder::Scratch {
  struct Symbol {
    TokenId id;     // kNone once merged into its left neighbour
    uint32_t prev;  // indices; the list ends where next is symbols.size()
    uint32_t next;
  };

  std::vector<Symbol> symbols;
  std::vector<uint64_t> candidates;  // a min-heap of rank << 32 | index of the left symbol
  std::string letters;
};

BytePairEncoder::BytePairEncoder(PreTokenizer pre_tokenizer, MergeRules rules,
                                 const Vocabulary& vocabulary)
    : pre_tokenizer_(std::move(pre_tokenizer)), rules_(std::move(rules)) {
  std::string letter;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    letter.clear();
    append_byte_letter(letter, static_cast<uint8_t>(byte));
    bytes_[byte] = find_mergeable(vocabulary, letter).value_or(kNone);
  }
  has_all_bytes_ = std::ranges::find(bytes_, kNone) == bytes_.end();
}

Result<BytePairEncoder> BytePairEncoder::from_metadata(const gguf::Metadata& metadata,
                                                       const Vocabulary& vocabulary) {
  const std::string pre =
      TRY(metadata.get_or<std::string>("tokenizer.ggml.pre", std::string("default")));
  PreTokenizer pre_tokenizer = TRY(PreTokenizer::create(pre));
  const std::vector<std::string>& merges = *TRY(metadata.strings("tokenizer.ggml.merges"));
  MergeRules rules = TRY(MergeRules::parse(merges, vocabulary));
  return BytePairEncoder(std::move(pre_tokenizer), std::move(rules), vocabulary);
}

Result<void> BytePairEncoder::encode(const Vocabulary& vocabulary, std::string_view text,
                                     std::vector<TokenId>& out) const {
  std::string made_valid;
  if (!has_all_bytes_ && valid_utf8_prefix(text) < text.size()) {
    made_valid = make_valid_utf8(text);
    text = made_valid;
  }
  std::vector<uint32_t> ends;
  TRY(pre_tokenizer_.split(text, ends));
  Scratch scratch;
  size_t begin = 0;
  for (const uint32_t end : ends) {
    TRY(encode_piece(vocabulary, text.substr(begin, end - begin), scratch, out));
    begin = end;
  }
  return {};
}

Result<void> BytePairEncoder::encode_piece(const Vocabulary& vocabulary, std::string_view piece,
                                           Scratch& scratch, std::vector<TokenId>& out) const {
  if (pre_tokenizer_.whole_pieces_first() && piece.size() <= kTokenBytesMax) {
    scratch.letters.clear();
    for (const char byte : piece) append_byte_letter(scratch.letters, static_cast<uint8_t>(byte));
    if (const auto whole = find_mergeable(vocabulary, scratch.letters)) {
      out.push_back(*whole);
      return {};
    }
  }
  scratch.symbols.clear();
  for (uint32_t i = 0; i < piece.size(); ++i) {
    const TokenId id = bytes_[static_cast<uint8_t>(piece[i])];
    if (id == kNone) {
      // Which byte it is would be text of the prompt, so the message does not say.
      return fail(ErrorKind::unsupported, "the vocabulary has no entry for a byte of the text");
    }
    scratch.symbols.push_back({id, i - 1, i + 1});
  }
  merge(scratch);
  for (size_t i = 0; i < scratch.symbols.size(); i = scratch.symbols[i].next) {
    out.push_back(scratch.symbols[i].id);
  }
  return {};
}

void BytePairEncoder::merge(Scratch& scratch) const {
  std::vector<Scratch::Symbol>& symbols = scratch.symbols;
  std::vector<uint64_t>& heap = scratch.candidates;
  heap.clear();
  const auto add = [&](uint32_t left) {
    const auto rank = rules_.rank(symbols[left].id, symbols[symbols[left].next].id);
    if (rank) heap.push_back(static_cast<uint64_t>(*rank) << 32 | left);
    return rank.has_value();
  };
  for (uint32_t i = 0; i + 1 < symbols.size(); ++i) add(i);
  std::ranges::make_heap(heap, std::greater<>());
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, std::greater<>());
    const uint32_t left = static_cast<uint32_t>(heap.back());
    const MergeRules::Rule& rule = rules_.rule(static_cast<uint32_t>(heap.back() >> 32));
    heap.pop_back();
    const uint32_t right = symbols[left].next;
    // Either neighbour may have changed since this pair was noted.
    if (symbols[left].id != rule.left || right == symbols.size() ||
        symbols[right].id != rule.right) {
      continue;
    }
    symbols[left].id = rule.merged;
    symbols[left].next = symbols[right].next;
    symbols[right].id = kNone;
    if (symbols[left].next < symbols.size()) {
      symbols[symbols[left].next].prev = left;
      if (add(left)) std::ranges::push_heap(heap, std::greater<>());
    }
    if (left > 0 && add(symbols[left].prev)) std::ranges::push_heap(heap, std::greater<>());
  }
}

}  // namespace sotto::text

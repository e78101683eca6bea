// Merging with a heap of candidate pairs over a linked list of characters: n log n for any text.
// SPDX-License-Identifier: Apache-2.0
#include "text/sentencepiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "text/utf8.h"

namespace sotto::text {
namespace {

constexpr TokenId kNone = -1;

// The token that a stretch of text may become: ordinary entries only, so that text which merely
// looks like "</s>" or "<0x0A>" stays text.
TokenId find_piece(const Vocabulary& vocabulary, std::string_view text) {
  if (text.size() > kTokenBytesMax) return kNone;
  const std::optional<TokenId> id = vocabulary.find(text);
  if (!id || vocabulary.is_marker(*id) || vocabulary.kind(*id) == TokenKind::byte) return kNone;
  return *id;
}

}  // namespace

// Characters and what they were merged into: a linked list over the text.
struct SentencePieceEncoder::Symbol {
  uint32_t begin;
  uint32_t bytes;  // 0 once merged into the left neighbour
  uint32_t prev;   // indices; the list ends where next is the number of symbols
  uint32_t next;
};

struct SentencePieceEncoder::Candidate {
  float score;
  uint32_t left;   // index of a symbol
  uint32_t bytes;  // of both symbols together when the pair was noted

  // Ordered so that the heap's top has the highest score and stands leftmost.
  bool operator<(const Candidate& other) const {
    return score < other.score || (score == other.score && left > other.left);
  }
};

Result<SentencePieceEncoder> SentencePieceEncoder::from_metadata(const gguf::Metadata& metadata,
                                                                 const Vocabulary& vocabulary) {
  constexpr std::string_view kKey = "tokenizer.ggml.scores";
  SentencePieceEncoder encoder;
  encoder.scores_ = *TRY(metadata.floats(kKey));
  if (encoder.scores_.size() != vocabulary.size()) {
    return fail(ErrorKind::malformed, "{} has {} entries for {} tokens", kKey,
                encoder.scores_.size(), vocabulary.size());
  }
  const auto nan = std::ranges::find_if(encoder.scores_, [](float s) { return std::isnan(s); });
  if (nan != encoder.scores_.end()) {
    return fail(ErrorKind::malformed, "{} of token {} is not a number", kKey,
                nan - encoder.scores_.begin());
  }
  encoder.adds_space_prefix_ = TRY(metadata.get_or("tokenizer.ggml.add_space_prefix", true));
  encoder.removes_extra_spaces_ =
      TRY(metadata.get_or("tokenizer.ggml.remove_extra_whitespaces", false));
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const auto id = vocabulary.find(fmt::format("<0x{:02X}>", byte));
    const bool usable = id && vocabulary.kind(*id) == TokenKind::byte && !vocabulary.is_marker(*id);
    encoder.bytes_[byte] = usable ? *id : kNone;
  }
  return encoder;
}

Result<void> SentencePieceEncoder::encode(const Vocabulary& vocabulary, std::string_view text,
                                          std::vector<TokenId>& out) const {
  const std::string normal = normalize(text);
  std::vector<Symbol> symbols;
  for (uint32_t at = 0; at < normal.size();) {
    const Utf8Sequence next = next_utf8(std::string_view(normal).substr(at));
    // Broken bytes stand each alone: no entry but a byte's own can spell them.
    const uint32_t bytes = next.state == Utf8Sequence::State::valid ? next.bytes : 1;
    const uint32_t index = static_cast<uint32_t>(symbols.size());
    symbols.push_back({at, bytes, index - 1, index + 1});
    at += bytes;
  }
  merge(vocabulary, normal, symbols);
  for (size_t i = 0; i < symbols.size(); i = symbols[i].next) {
    const std::string_view piece =
        std::string_view(normal).substr(symbols[i].begin, symbols[i].bytes);
    if (const TokenId id = find_piece(vocabulary, piece); id != kNone) {
      out.push_back(id);
    } else {
      TRY(spell(vocabulary, piece, out));
    }
  }
  return {};
}

std::string SentencePieceEncoder::normalize(std::string_view text) const {
  std::string out;
  out.reserve(text.size() * 2);
  if (adds_space_prefix_) out.append(kVisibleSpace);
  if (removes_extra_spaces_) {
    const size_t first = text.find_first_not_of(' ');
    text = first == std::string_view::npos
               ? std::string_view()
               : text.substr(first, text.find_last_not_of(' ') - first + 1);
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ') {
      out.push_back(text[i]);
    } else if (!removes_extra_spaces_ || text[i - 1] != ' ') {
      out.append(kVisibleSpace);
    }
  }
  return out;
}

void SentencePieceEncoder::merge(const Vocabulary& vocabulary, std::string_view text,
                                 std::vector<Symbol>& symbols) const {
  std::vector<Candidate> heap;
  const auto add = [&](uint32_t left) {
    const uint32_t bytes = symbols[left].bytes + symbols[symbols[left].next].bytes;
    const TokenId id = find_piece(vocabulary, text.substr(symbols[left].begin, bytes));
    if (id != kNone) heap.push_back({scores_[static_cast<size_t>(id)], left, bytes});
    return id != kNone;
  };
  for (uint32_t i = 0; i + 1 < symbols.size(); ++i) add(i);
  std::make_heap(heap.begin(), heap.end());
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate best = heap.back();
    heap.pop_back();
    const uint32_t left = best.left;
    const uint32_t right = symbols[left].next;
    // Either neighbour may have changed since this pair was noted.
    if (symbols[left].bytes == 0 || right == symbols.size() ||
        symbols[left].bytes + symbols[right].bytes != best.bytes) {
      continue;
    }
    symbols[left].bytes = best.bytes;
    symbols[left].next = symbols[right].next;
    symbols[right].bytes = 0;
    if (symbols[left].next < symbols.size()) {
      symbols[symbols[left].next].prev = left;
      if (add(left)) std::push_heap(heap.begin(), heap.end());
    }
    if (left > 0 && add(symbols[left].prev)) std::push_heap(heap.begin(), heap.end());
  }
}

Result<void> SentencePieceEncoder::spell(const Vocabulary& vocabulary, std::string_view text,
                                         std::vector<TokenId>& out) const {
  const bool has_bytes = std::ranges::all_of(
      text, [this](char byte) { return bytes_[static_cast<uint8_t>(byte)] != kNone; });
  if (has_bytes) {
    for (const char byte : text) out.push_back(bytes_[static_cast<uint8_t>(byte)]);
    return {};
  }
  if (const auto unknown = vocabulary.unknown()) {
    out.push_back(*unknown);
    return {};
  }
  return fail(ErrorKind::unsupported, "the vocabulary has no entry for a character of the text");
}

}  // namespace sotto::text

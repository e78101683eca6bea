// SentencePiece's BPE: characters merged by score over the whole text, bytes for what is unknown.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "text/vocabulary.h"

namespace sotto::text {

inline constexpr std::string_view kVisibleSpace = "\xE2\x96\x81";  // U+2581, how entries write ' '

// Immutable. Borrows the vocabulary at each call.
class SentencePieceEncoder {
 public:
  static Result<SentencePieceEncoder> from_metadata(const gguf::Metadata& metadata,
                                                    const Vocabulary& vocabulary);

  // Whether encode() puts a space in front of each text, as the models were trained with.
  bool adds_space_prefix() const { return adds_space_prefix_; }

  // Appends the ids of text in which no special token is to be recognised, and which begins the
  // prompt or follows a special token.
  Result<void> encode(const Vocabulary& vocabulary, std::string_view text,
                      std::vector<TokenId>& out) const;

 private:
  struct Symbol;
  struct Candidate;

  SentencePieceEncoder() = default;
  std::string normalize(std::string_view text) const;
  void merge(const Vocabulary& vocabulary, std::string_view text,
             std::vector<Symbol>& symbols) const;
  Result<void> spell(const Vocabulary& vocabulary, std::string_view text,
                     std::vector<TokenId>& out) const;

  std::vector<float> scores_;
  std::array<TokenId, 256> bytes_{};  // -1 where the vocabulary has no entry for the byte
  bool adds_space_prefix_ = true;
  bool removes_extra_spaces_ = false;
};

}  // namespace sotto::text

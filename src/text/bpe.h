// Byte-level byte-pair encoding: bytes merged by rank within the pieces of a pre-tokenizer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "text/pretokenizer.h"
#include "text/vocabulary.h"

namespace sotto::text {

// The rules "this token beside that one becomes a third", each with its rank: lower goes first.
class MergeRules {
 public:
  struct Rule {
    TokenId left;
    TokenId right;
    TokenId merged;
  };

  // Rules whose parts or result the vocabulary lacks never apply, nor do those that would make a
  // marker out of text; a pair's first rule counts. `malformed` when an entry is not two parts.
  static Result<MergeRules> parse(const std::vector<std::string>& merges,
                                  const Vocabulary& vocabulary);

  std::optional<uint32_t> rank(TokenId left, TokenId right) const;
  const Rule& rule(uint32_t rank) const { return rules_[rank]; }

 private:
  struct Continuation {
    TokenId right;
    uint32_t rank;
  };

  std::vector<Rule> rules_;                  // by rank
  std::vector<uint32_t> begins_;             // of each left token's continuations, and the end
  std::vector<Continuation> continuations_;  // by left token, then right token
};

// Immutable. Borrows the vocabulary at each call.
class BytePairEncoder {
 public:
  static Result<BytePairEncoder> from_metadata(const gguf::Metadata& metadata,
                                               const Vocabulary& vocabulary);

  bool adds_bos() const { return pre_tokenizer_.adds_bos(); }

  // Appends the ids of text in which no special token is to be recognised.
  Result<void> encode(const Vocabulary& vocabulary, std::string_view text,
                      std::vector<TokenId>& out) const;

 private:
  struct Scratch;

  BytePairEncoder(PreTokenizer pre_tokenizer, MergeRules rules, const Vocabulary& vocabulary);
  Result<void> encode_piece(const Vocabulary& vocabulary, std::string_view piece, Scratch& scratch,
                            std::vector<TokenId>& out) const;
  void merge(Scratch& scratch) const;

  PreTokenizer pre_tokenizer_;
  MergeRules rules_;
  std::array<TokenId, 256> bytes_;  // -1 where the vocabulary has no entry for the byte
  bool has_all_bytes_;
};

}  // namespace sotto::text

// A model's vocabulary: its entries, what kind each is, and which of them text may never become.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "gguf/file.h"

namespace sotto::text {

inline constexpr uint32_t kVocabularyTokensMax = 1u << 24;
inline constexpr uint32_t kTokenBytesMax = 4096;  // also bounds every search for a token in text

// As numbered in tokenizer.ggml.token_type.
enum class TokenKind : uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6,
};

// Immutable. Entries are unique, but for empty ones.
class Vocabulary {
 public:
  static Result<Vocabulary> from_metadata(const gguf::Metadata& metadata);
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  uint32_t size() const { return static_cast<uint32_t>(entries_.size()); }
  bool contains(TokenId id) const { return id >= 0 && static_cast<uint32_t>(id) < size(); }

  // The three below are for ids that the vocabulary contains.
  std::string_view text(TokenId id) const;
  TokenKind kind(TokenId id) const { return entries_[static_cast<size_t>(id)].kind; }
  // Whether the token comes only of trusted text that spells it out [tokenizer.h, is_marker].
  bool is_marker(TokenId id) const { return entries_[static_cast<size_t>(id)].marker; }

  std::optional<TokenId> find(std::string_view text) const;

  // Roles. All of these ids are in the vocabulary.
  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }
  std::optional<TokenId> unknown() const { return unknown_; }
  bool ends_generation(TokenId id) const { return entries_[static_cast<size_t>(id)].ends; }

 private:
  struct Entry {
    uint32_t offset;  // in texts_
    uint16_t bytes;
    TokenKind kind;
    bool marker;
    bool ends;
  };

  Vocabulary() = default;
  Result<void> read_entries(const gguf::Metadata& metadata);
  Result<void> read_roles(const gguf::Metadata& metadata);
  Result<std::optional<TokenId>> read_role(const gguf::Metadata& metadata,
                                           std::string_view key) const;

  std::vector<char> texts_;  // of all entries, end to end; by_text_ points into it
  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, TokenId> by_text_;
  std::optional<TokenId> bos_;
  std::optional<TokenId> eos_;
  std::optional<TokenId> unknown_;
};

}  // namespace sotto::text

// Guesses how a sequence goes on: as it did where its last tokens stood before.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/secret_vector.h"
#include "base/token.h"

namespace sotto::engine {

// One sequence's tokens and an index of their n-grams. Every step takes a bounded time, and the
// memory is taken at the beginning. How far a guess can be trusted is learned from the sequence
// itself, by the length of the match: also guesses that nobody asked for are counted as they come
// true or not, so learning costs nothing.
class PromptLookup {
 public:
  // Room for `tokens` tokens: prompt and answer.
  explicit PromptLookup(uint32_t tokens);

  // Text that says nothing about how well the answer can be guessed.
  void add_prompt(std::span<const TokenId> ids);
  // The next token of the answer.
  void add_generated(TokenId id);

  // Whether there is a guess at all.
  bool has_guess() const { return match_ != 0; }
  // The next out.size() tokens as guessed; has_guess() holds.
  void guess(std::span<TokenId> out) const;
  // How likely the guess of token `index`, counted from 0, is right if all before it are.
  float chance(uint32_t index) const;

 private:
  // The longest n-grams first; each is looked up when no longer match is known.
  static constexpr std::array<uint32_t, 3> kOrders = {4, 2, 1};
  static constexpr uint32_t kMatchMax = 32;  // longer ones are as good as this
  static constexpr uint32_t kClasses = 7;

  // An estimate that follows what happens, quickly at first.
  struct Estimate {
    float chance;
    uint32_t count;
    void add(bool right);
  };

  static uint32_t class_of(uint32_t match_tokens);
  void append(TokenId id);
  void follow_if_longer(uint32_t place);
  uint32_t slot(uint32_t order) const;

  SecretVector<TokenId> tokens_;
  uint32_t slot_bits_;
  // For each order and hash of an n-gram: where the token after its last occurrence stands; 0: none.
  std::array<SecretVector<uint32_t>, kOrders.size()> index_;
  uint32_t match_ = 0;         // where the token stands that is guessed to come next; 0: nowhere
  uint32_t match_tokens_ = 0;  // how many before it are the same as the sequence's last
  std::array<Estimate, kClasses> estimates_;
};

}  // namespace sotto::engine

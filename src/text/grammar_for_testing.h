// Matching whole texts, and masks by trying every token, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/grammar_matcher.h"
#include "text/vocabulary_for_testing.h"

namespace sotto::text {

inline Tokenizer tokenizer_for_testing() {
  // Tokens that run over the borders of everything that JSON is made of.
  std::vector<EntryForTesting> entries = {{"<|im_end|>", TokenKind::control}};
  for (const char* text :
       {"\":", "\",", "\":\"",  "{\"",  "\"}", "},", "[]", "{}",    "]}",   "true", "\\n",
        "\\u", "00",  "a\",\"", "e\":", "-1",  ".5", "ab", "abc\"", ": \"", "\"]",  "x\"]}"}) {
    entries.push_back({text, TokenKind::normal});
  }
  const std::string a(40, 'a');
  for (const std::string& text : {a, a + "b", a + "\",\"" + a, a + a + a}) {
    entries.push_back({text, TokenKind::normal});
  }
  VocabularyForTesting vocabulary = byte_level_vocabulary(entries);
  vocabulary.more.emplace_back(
      "tokenizer.ggml.eos_token_id",
      static_cast<uint32_t>(
          std::find(vocabulary.tokens.begin(), vocabulary.tokens.end(), "<|im_end|>") -
          vocabulary.tokens.begin()));
  auto tokenizer = Tokenizer::from_metadata(vocabulary.metadata());
  EXPECT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  return std::move(*tokenizer);
}

inline const Tokenizer& shared_tokenizer() {
  static const Tokenizer tokenizer = tokenizer_for_testing();
  return tokenizer;
}
inline std::shared_ptr<const TokenTrie> shared_trie() {
  static const auto trie = std::make_shared<const TokenTrie>(shared_tokenizer());
  return trie;
}

inline std::shared_ptr<GrammarTokens> with_tokens(Grammar grammar) {
  return std::make_shared<GrammarTokens>(std::make_shared<const Grammar>(std::move(grammar)),
                                         shared_trie());
}

inline bool matches(const std::shared_ptr<GrammarTokens>& grammar, std::string_view text) {
  GrammarMatcher matcher(grammar);
  return matcher.accept_bytes(text) && matcher.complete();
}

inline std::vector<uint64_t> mask_of(GrammarMatcher& matcher) {
  std::vector<uint64_t> bits((shared_trie()->vocabulary() + 63) / 64);
  EXPECT_TRUE(matcher.mask(bits).has_value());
  return bits;
}

inline bool has(const std::vector<uint64_t>& bits, TokenId id) {
  return (bits[static_cast<size_t>(id) / 64] >> (static_cast<size_t>(id) % 64) & 1) != 0;
}

// Bit by bit: whether the bytes of each token can follow.
inline std::vector<uint64_t> mask_by_trying(const GrammarMatcher& matcher) {
  std::vector<uint64_t> bits((shared_trie()->vocabulary() + 63) / 64);
  for (uint32_t id = 0; id < shared_trie()->vocabulary(); ++id) {
    const auto bytes = shared_trie()->bytes(static_cast<TokenId>(id));
    if (bytes.empty()) continue;
    GrammarMatcher copy = matcher;
    if (copy.accept_bytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()})) {
      bits[id / 64] |= uint64_t{1} << (id % 64);
    }
  }
  return bits;
}

// A text of the grammar, token by token, each any of those that the mask allows; the mask is compared
// with what trying gives where `check` is set. After `tokens` it ends as soon as it can. Empty when it
// did not come to an end.
inline std::string walk_at_random(const std::shared_ptr<GrammarTokens>& grammar, uint64_t seed,
                                  size_t tokens, bool check) {
  std::mt19937_64 random(seed);
  GrammarMatcher matcher(grammar);
  std::string text;
  for (size_t step = 0; step < 4000; ++step) {
    if (matcher.complete() && (matcher.over() || step >= tokens || random() % 8 == 0)) return text;
    const std::vector<uint64_t> bits = mask_of(matcher);
    if (check) {
      EXPECT_EQ(bits, mask_by_trying(matcher)) << text;
    }
    std::vector<TokenId> allowed;
    for (uint32_t id = 0; id < shared_trie()->vocabulary(); ++id) {
      if (has(bits, static_cast<TokenId>(id))) allowed.push_back(static_cast<TokenId>(id));
    }
    if (allowed.empty()) {
      ADD_FAILURE() << "nothing can follow " << text;
      return {};
    }
    TokenId id = allowed[random() % allowed.size()];
    if (step >= tokens) {
      // Towards the end: whatever closes something.
      for (const char* closing : {"\"", "}", "]"}) {
        const TokenId close = static_cast<TokenId>(closing[0]);
        if (has(bits, close)) id = close;
      }
    }
    EXPECT_TRUE(matcher.accept(id).has_value());
    text += shared_tokenizer().token_bytes(id);
  }
  return {};
}

}  // namespace sotto::text

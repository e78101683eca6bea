// Tests of guessing from n-grams: which occurrence is followed, and how far a guess is trusted.
// SPDX-License-Identifier: Apache-2.0
#include "engine/prompt_lookup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine/philox.h"

namespace sotto::engine {
namespace {

using Ids = std::vector<TokenId>;

PromptLookup after(const Ids& prompt, uint32_t room = 1000) {
  PromptLookup lookup(static_cast<uint32_t>(prompt.size()) + room);
  lookup.add_prompt(prompt);
  return lookup;
}

Ids guess(const PromptLookup& lookup, size_t count) {
  Ids ids(count);
  lookup.guess(ids);
  return ids;
}

TEST(PromptLookup, text_without_repetition_gives_no_guess) {
  PromptLookup lookup(500);
  EXPECT_FALSE(lookup.has_guess());
  for (TokenId id = 0; id < 500; ++id) {
    lookup.add_generated(id);
    ASSERT_FALSE(lookup.has_guess()) << id;
  }
}

TEST(PromptLookup, guess_is_what_followed_the_same_tokens) {
  const PromptLookup lookup = after({1, 2, 3, 4, 5, 6, 7, 90, 2, 3});
  ASSERT_TRUE(lookup.has_guess());
  EXPECT_EQ(guess(lookup, 4), (Ids{4, 5, 6, 7}));
}

TEST(PromptLookup, longer_match_wins_over_a_newer_one) {
  const PromptLookup lookup = after({1, 2, 3, 4, 50, 9, 3, 4, 60, 9, 4, 70, 9, 1, 2, 3, 4});
  ASSERT_TRUE(lookup.has_guess());
  EXPECT_EQ(guess(lookup, 1), (Ids{50}));
}

TEST(PromptLookup, newer_match_wins_among_equals) {
  const PromptLookup lookup = after({8, 5, 50, 9, 5, 60, 7, 5});
  ASSERT_TRUE(lookup.has_guess());
  EXPECT_EQ(guess(lookup, 1), (Ids{60}));
}

TEST(PromptLookup, guess_beyond_the_end_goes_round) {
  EXPECT_EQ(guess(after({4, 4}), 5), (Ids{4, 4, 4, 4, 4}));
  EXPECT_EQ(guess(after({1, 2, 3, 1, 2, 3, 1}), 7), (Ids{2, 3, 1, 2, 3, 1, 2}));
}

TEST(PromptLookup, wrong_guess_gives_its_match_up) {
  PromptLookup lookup = after({1, 2, 3, 4, 5, 1, 2});
  EXPECT_EQ(guess(lookup, 1), (Ids{3}));
  lookup.add_generated(99);
  EXPECT_FALSE(lookup.has_guess());
  lookup.add_generated(4);
  ASSERT_TRUE(lookup.has_guess());
  EXPECT_EQ(guess(lookup, 1), (Ids{5}));
}

TEST(PromptLookup, chances_follow_what_comes_true) {
  const Ids prompt = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
  PromptLookup lookup = after(prompt);
  for (int round = 0; round < 20; ++round) {
    for (const TokenId id : prompt) lookup.add_generated(id);
  }
  EXPECT_GT(lookup.chance(0), 0.95f);
  // Now pairs that are always followed by something else.
  PromptLookup wrong = after({});
  for (TokenId i = 0; i < 200; ++i) {
    wrong.add_generated(1);
    wrong.add_generated(2);
    wrong.add_generated(100 + i);
  }
  wrong.add_generated(1);
  wrong.add_generated(2);
  ASSERT_TRUE(wrong.has_guess());
  EXPECT_LT(wrong.chance(0), 0.05f);
}

TEST(PromptLookup, prompts_teach_no_chances) {
  const Ids loop = {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3};
  const PromptLookup read = after(loop);
  PromptLookup written = after({});
  for (const TokenId id : loop) written.add_generated(id);
  ASSERT_TRUE(read.has_guess() && written.has_guess());
  EXPECT_EQ(guess(read, 3), guess(written, 3));
  EXPECT_GT(written.chance(0), read.chance(0));
}

// Against a search through all that was there: a guess continues an earlier occurrence of the last
// token, and, but for odd lengths, of as many up to four as any occurrence has.
TEST(PromptLookup, guesses_agree_with_a_search_of_everything) {
  uint64_t guesses = 0;
  uint64_t best = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const double variety = 2 + static_cast<double>(seed % 5) * 3;
    PromptLookup lookup(4000);
    Ids all;
    for (uint32_t i = 0; i < 400; ++i) {
      all.push_back(static_cast<TokenId>(uniform(seed, i) * variety));
      lookup.add_generated(all.back());
      size_t longest = 0;  // match in all that came before, at most 4
      for (size_t end = 1; end < all.size(); ++end) {
        size_t same = 0;
        while (same < std::min<size_t>(end, 4) &&
               all[end - 1 - same] == all[all.size() - 1 - same]) {
          ++same;
        }
        longest = std::max(longest, same);
      }
      if (!lookup.has_guess()) continue;
      ++guesses;
      const TokenId next = guess(lookup, 1)[0];
      size_t followed = 0;  // the longest match after which the guessed token stood
      for (size_t end = 1; end < all.size(); ++end) {
        if (all[end] != next) continue;
        size_t same = 0;
        while (same < std::min<size_t>(end, 4) &&
               all[end - 1 - same] == all[all.size() - 1 - same]) {
          ++same;
        }
        followed = std::max(followed, same);
      }
      ASSERT_GE(followed, 1u) << "seed " << seed << " token " << i;
      best += followed >= (longest == 3 ? 2 : longest);
    }
  }
  EXPECT_GT(guesses, 5000u);
  // N-grams that share a slot with a newer one are lost.
  EXPECT_GT(static_cast<double>(best), 0.99 * static_cast<double>(guesses));
}

}  // namespace
}  // namespace sotto::engine

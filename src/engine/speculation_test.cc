// Tests of the choice how much to guess: from times that are given, never measured.
// SPDX-License-Identifier: Apache-2.0
#include "engine/speculation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace sotto::engine {
namespace {

// A sequence that has gone round `period` tokens for so long that it is trusted, or never has.
PromptLookup looping(uint32_t rounds) {
  PromptLookup lookup(10 * rounds + 100);
  for (uint32_t i = 0; i < rounds; ++i) {
    for (TokenId id = 0; id < 5; ++id) lookup.add_generated(id);
  }
  return lookup;
}

// Where guesses are always wrong.
PromptLookup misleading() {
  PromptLookup lookup(1000);
  for (TokenId i = 0; i < 100; ++i) {
    lookup.add_generated(1);
    lookup.add_generated(100 + i);
  }
  lookup.add_generated(1);
  return lookup;
}

StepTimes times_of(double fixed, double per_token, uint32_t most = StepTimes::kTokensMax) {
  StepTimes times;
  for (uint32_t tokens = 1; tokens <= most; ++tokens) times.add(tokens, fixed + per_token * tokens);
  return times;
}

uint32_t chosen_for(const PromptLookup& lookup, const StepTimes* times, uint32_t most = 15,
                    uint32_t budget = 60) {
  DraftCandidate candidate{&lookup, most};
  choose_drafts({&candidate, 1}, budget, times);
  return candidate.tokens;
}

TEST(StepTimes, nothing_is_expected_before_anything_was_measured) {
  StepTimes times;
  EXPECT_EQ(times.expected(1), 0);
  times.add(4, 2.0);
  EXPECT_EQ(times.expected(3), 0);
  EXPECT_EQ(times.expected(4), 2.0);
  EXPECT_GT(times.expected(5), 2.0);
}

TEST(StepTimes, sizes_between_measured_ones_lie_between_them) {
  StepTimes times;
  times.add(1, 1.0);
  times.add(5, 3.0);
  EXPECT_DOUBLE_EQ(times.expected(2), 1.5);
  EXPECT_DOUBLE_EQ(times.expected(4), 2.5);
  EXPECT_DOUBLE_EQ(times.expected(9), 5.0);  // and on beyond
  times.add(3, 0.5);                         // quicker than one: by chance
  EXPECT_DOUBLE_EQ(times.expected(2), 1.0);
}

TEST(StepTimes, one_slow_step_changes_nothing_but_a_slower_machine_does) {
  StepTimes times;
  for (int i = 0; i < 10; ++i) times.add(1, 1.0);
  times.add(1, 50.0);
  EXPECT_EQ(times.expected(1), 1.0);
  for (int i = 0; i < 4; ++i) times.add(1, 2.0);
  EXPECT_EQ(times.expected(1), 2.0);
}

TEST(StepTimes, old_times_are_forgotten_sooner_the_fewer_they_were) {
  StepTimes times;
  times.add(2, 100.0);
  for (int i = 0; i < 128; ++i) times.add(1, 1.0);
  EXPECT_EQ(times.expected(2), 100.0);
  times.add(1, 1.0);
  EXPECT_LT(times.expected(2), 1.2);
  times.add(2, 3.0);  // what was forgotten does not come back
  EXPECT_EQ(times.expected(2), 3.0);
  times.add(1000, 1.0);  // not kept, but no harm
  EXPECT_EQ(times.expected(2), 3.0);
}

TEST(ChooseDrafts, nothing_is_guessed_before_a_step_was_measured) {
  const StepTimes none;
  EXPECT_EQ(chosen_for(looping(50), &none), 0u);
}

TEST(ChooseDrafts, sure_guesses_are_taken_where_further_tokens_are_cheap) {
  const StepTimes cheap = times_of(1.0, 0.01);
  EXPECT_EQ(chosen_for(looping(50), &cheap), 15u);
  EXPECT_EQ(chosen_for(looping(50), &cheap, 7), 7u);
  EXPECT_EQ(chosen_for(looping(50), &cheap, 15, 4), 4u);
  EXPECT_EQ(chosen_for(misleading(), &cheap), 0u);
}

TEST(ChooseDrafts, nothing_is_guessed_where_every_token_costs_the_same) {
  const StepTimes dear = times_of(0, 1.0);
  EXPECT_EQ(chosen_for(looping(50), &dear), 0u);
}

TEST(ChooseDrafts, steps_that_cost_more_are_filled_less) {
  // A fourth token is as cheap as the others, a fifth doubles the time.
  StepTimes stairs;
  for (uint32_t tokens = 1; tokens <= StepTimes::kTokensMax; ++tokens) {
    stairs.add(tokens, tokens <= 4 ? 1.0 + 0.05 * tokens : 1.0 * tokens);
  }
  EXPECT_EQ(chosen_for(looping(50), &stairs), 3u);
}

TEST(ChooseDrafts, likeliest_sequence_gets_the_most) {
  const PromptLookup sure = looping(50);
  const PromptLookup wrong = misleading();
  const StepTimes times = times_of(1.0, 0.1);
  std::vector<DraftCandidate> candidates = {{&wrong, 15}, {&sure, 15}, {nullptr, 0}, {&sure, 2}};
  choose_drafts(candidates, 60, &times);
  EXPECT_EQ(candidates[0].tokens, 0u);
  EXPECT_GT(candidates[1].tokens, 2u);
  EXPECT_EQ(candidates[2].tokens, 0u);
  EXPECT_EQ(candidates[3].tokens, 2u);
}

TEST(ChooseDrafts, many_sequences_leave_nothing_to_gain) {
  // Four tokens are as quick as one; from there on each costs the same.
  StepTimes times;
  for (uint32_t tokens = 1; tokens <= StepTimes::kTokensMax; ++tokens) {
    times.add(tokens, std::max(1.0, 0.25 * tokens));
  }
  const PromptLookup sure = looping(50);
  for (const uint32_t sequences : {1u, 4u, 63u, 64u, 200u}) {
    std::vector<DraftCandidate> candidates(sequences, DraftCandidate{&sure, 15});
    choose_drafts(candidates, 1000, &times);
    uint32_t guessed = 0;
    for (const DraftCandidate& candidate : candidates) guessed += candidate.tokens;
    if (sequences == 1) {
      EXPECT_GE(guessed, 3u);
    } else {
      EXPECT_EQ(guessed, 0u) << sequences;
    }
  }
}

TEST(ChooseDrafts, without_times_all_there_is_room_for) {
  EXPECT_EQ(chosen_for(misleading(), nullptr), 15u);
  EXPECT_EQ(chosen_for(misleading(), nullptr, 15, 9), 9u);
}

}  // namespace
}  // namespace sotto::engine

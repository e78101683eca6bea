// Tests of the scheduler alone, step by step: the prompt budget, places, and what a step does.
// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include "engine/stream_state.h"
#include "engine/tiny_model_for_testing.h"

namespace sotto::engine {
namespace {

using Tiny = TinyModelForTesting;

class SchedulerTest : public ::testing::Test {
 protected:
  // Steps without speculation, but where a test is about that: it may start at any step.
  void make(EngineOptions options, const model::ForwardLimits& limits = {},
            Speculation speculation = Speculation::off) {
    options.speculation = speculation;
    scheduler_.reset();
    tiny_ = std::make_unique<Tiny>(1, limits);
    auto cache = model::KvCache::create(tiny_->model().kv_layout(model::KvType::F16),
                                        options.cache_positions);
    ASSERT_TRUE(cache.has_value());
    cache_ = std::move(*cache);
    scheduler_ = std::make_unique<Scheduler>(tiny_->model(), *cache_, options);
  }

  Job job(uint32_t prompt_tokens, uint32_t tokens_max) {
    Job job;
    job.stream = std::make_shared<TokenStream::State>(std::make_shared<Hub>(), 100);
    job.prompt.assign(prompt_tokens, 1);
    job.tokens_max = tokens_max;
    job.sampling.logit_bias = {{Tiny::kPoison, -100}};
    return job;
  }

  void admit(uint32_t prompt_tokens, uint32_t tokens_max) {
    scheduler_->admit(job(prompt_tokens, tokens_max), Clock::now());
  }

  std::vector<uint32_t> prompts_done() const {
    std::vector<uint32_t> done;
    for (const Active& active : scheduler_->active()) done.push_back(active.prompt_done);
    return done;
  }

  std::unique_ptr<Tiny> tiny_;
  std::unique_ptr<model::KvCache> cache_;
  std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, prompts_share_the_budget_evenly_and_use_all_of_it) {
  make({.cache_positions = 2048, .prompt_chunk = 30});
  admit(100, 5);
  admit(4, 5);
  admit(100, 5);
  scheduler_->step();
  EXPECT_EQ(prompts_done(), (std::vector<uint32_t>{13, 4, 13}));
  EXPECT_FALSE(
      scheduler_->active()[1].tokens.empty());  // a short prompt does not wait for long ones
  EXPECT_TRUE(scheduler_->active()[0].tokens.empty());
  scheduler_->step();
  EXPECT_EQ(prompts_done(), (std::vector<uint32_t>{28, 4, 28}));
  EXPECT_EQ(scheduler_->active()[1].generated, 2u);
}

TEST_F(SchedulerTest, tenant_who_was_given_least_of_late_comes_first) {
  make({.cache_positions = 4096, .prompt_chunk = 30});
  admit(900, 5);
  admit(900, 5);
  for (int i = 0; i < 3; ++i) scheduler_->step();
  EXPECT_EQ(prompts_done(), (std::vector<uint32_t>{45, 45}));
  admit(28, 5);
  scheduler_->active()[2].job.tenant = 2;
  scheduler_->step();
  EXPECT_EQ(prompts_done(), (std::vector<uint32_t>{46, 46, 28}));
  // With much to read they take turns.
  admit(300, 5);
  scheduler_->active()[3].job.tenant = 2;
  for (int i = 0; i < 8; ++i) scheduler_->step();
  const std::vector<uint32_t> done = prompts_done();
  EXPECT_GE(done[3], 90u);
  EXPECT_GE(done[0] + done[1], 92u + 90u);
}

TEST_F(SchedulerTest, budget_that_cannot_be_divided_goes_to_the_first) {
  make({.cache_positions = 2048, .prompt_chunk = 2});
  admit(5, 5);
  admit(5, 5);
  admit(5, 5);
  scheduler_->step();
  EXPECT_EQ(prompts_done(), (std::vector<uint32_t>{1, 1, 0}));
  // Whoever is behind gets there: every step the first two move on, then they are done.
  for (int i = 0; i < 7; ++i) scheduler_->step();
  EXPECT_EQ(prompts_done(), (std::vector<uint32_t>{5, 5, 5}));
}

TEST_F(SchedulerTest, prompts_leave_room_for_running_sequences_in_the_batch) {
  make({.sequences_max = 4, .cache_positions = 2048, .prompt_chunk = 256},
       {.batch_tokens_max = 10, .logit_rows_max = 4});
  admit(2, 50);
  admit(2, 50);
  scheduler_->step();
  admit(100, 5);
  scheduler_->step();
  EXPECT_EQ(prompts_done(), (std::vector<uint32_t>{2, 2, 8}));
  for (const Active& active : scheduler_->active()) EXPECT_FALSE(active.error.has_value());
}

TEST_F(SchedulerTest, paused_sequence_stands_still) {
  make({.cache_positions = 2048});
  admit(3, 50);
  admit(3, 50);
  scheduler_->step();
  scheduler_->active()[0].room = 0;
  scheduler_->active()[0].tokens.clear();
  scheduler_->step();
  EXPECT_TRUE(scheduler_->active()[0].tokens.empty());
  EXPECT_EQ(scheduler_->active()[0].generated, 1u);
  EXPECT_EQ(scheduler_->active()[1].generated, 2u);
}

TEST_F(SchedulerTest, room_is_places_and_pages) {
  make({.sequences_max = 2, .cache_positions = 3 * 128});
  EXPECT_TRUE(scheduler_->has_room(job(128, 256)));
  EXPECT_FALSE(scheduler_->has_room(job(128, 257)));
  admit(100, 100);
  EXPECT_EQ(scheduler_->pages_free(), 1u);
  EXPECT_FALSE(scheduler_->has_room(job(100, 29)));
  EXPECT_TRUE(scheduler_->has_room(job(100, 28)));
  admit(1, 1);
  EXPECT_FALSE(scheduler_->has_room(job(1, 1)));
}

TEST_F(SchedulerTest, done_sequences_give_their_places_back) {
  make({.sequences_max = 3, .cache_positions = 3 * 128});
  for (int i = 0; i < 3; ++i) admit(10, 5);
  scheduler_->step();
  scheduler_->active()[0].done = scheduler_->active()[1].done = true;
  scheduler_->step();  // goes on with the others alone
  EXPECT_EQ(scheduler_->active()[0].generated, 1u);
  EXPECT_EQ(scheduler_->active()[2].generated, 2u);
  scheduler_->remove_done();
  ASSERT_EQ(scheduler_->active().size(), 1u);
  EXPECT_EQ(scheduler_->active()[0].generated, 2u);
  EXPECT_EQ(scheduler_->pages_free(), 2u);
}

TEST_F(SchedulerTest, last_token_allowed_ends_with_length) {
  make({.cache_positions = 2048});
  admit(3, 2);
  scheduler_->step();
  EXPECT_FALSE(scheduler_->active()[0].reason.has_value());
  scheduler_->step();
  EXPECT_EQ(scheduler_->active()[0].reason, FinishReason::length);
  EXPECT_FALSE(scheduler_->active()[0].tokens.empty());
}

TEST_F(SchedulerTest, failure_of_the_model_is_everyones_who_took_part) {
  make({.cache_positions = 2048});
  admit(3, 50);
  admit(3, 50);
  admit(3, 50);
  scheduler_->step();
  // A token that the model must refuse; submit() lets none through.
  scheduler_->active()[0].last = Tiny::kVocabulary;
  scheduler_->active()[1].room = 0;
  scheduler_->step();
  ASSERT_TRUE(scheduler_->active()[0].error.has_value());
  EXPECT_EQ(scheduler_->active()[0].error->kind, ErrorKind::malformed);
  EXPECT_FALSE(scheduler_->active()[1].error.has_value());
  EXPECT_TRUE(scheduler_->active()[2].error.has_value());
}

TEST_F(SchedulerTest, step_without_anybody_does_nothing) {
  make({.cache_positions = 2048});
  scheduler_->step();
  EXPECT_EQ(scheduler_->prompt_tokens(), 0u);
}

// What `job` gets: token by token, or with guesses, and how many steps that took.
TEST_F(SchedulerTest, right_guesses_save_steps_and_change_nothing) {
  std::vector<TokenId> answers[2];
  uint32_t steps[2] = {};
  for (const bool speculate : {false, true}) {
    make({.cache_positions = 1024, .draft_tokens_max = 7}, {},
         speculate ? Speculation::always : Speculation::off);
    admit(20, 100);
    Active& active = scheduler_->active()[0];
    active.sampler = Sampler({.temperature = 0, .logit_bias = {{3, 100}}}, Tiny::kVocabulary, 120);
    while (!active.reason.has_value()) {
      scheduler_->step();
      ++steps[speculate];
      ASSERT_FALSE(active.error.has_value());
      // What the model has seen is all but the last token.
      EXPECT_EQ(active.sequence.length(), 20 + active.generated - 1);
      for (const Sampled& token : active.tokens) answers[speculate].push_back(token.id);
      active.tokens.clear();
    }
    EXPECT_EQ(active.reason, FinishReason::length);
    EXPECT_EQ(scheduler_->generated_tokens(), 100u);
  }
  EXPECT_EQ(answers[0], std::vector<TokenId>(100, 3));
  EXPECT_EQ(answers[1], answers[0]);
  EXPECT_EQ(steps[0], 100u);
  EXPECT_LT(steps[1], 20u);  // 8 a step, but for the first
  EXPECT_EQ(scheduler_->accepted_tokens(), 100u - steps[1]);
  EXPECT_GE(scheduler_->drafted_tokens(), scheduler_->accepted_tokens());
}

TEST_F(SchedulerTest, guesses_respect_room_limits_and_prompts) {
  make({.sequences_max = 4, .cache_positions = 2048, .draft_tokens_max = 7},
       {.batch_tokens_max = 40, .logit_rows_max = 6}, Speculation::always);
  admit(20, 50);
  scheduler_->step();  // reads the prompt
  Active& first = scheduler_->active()[0];
  first.last = 1;  // as the prompt, so that there is a guess
  ASSERT_TRUE(first.lookup.has_value());
  first.lookup->add_generated(1);
  scheduler_->step();
  EXPECT_EQ(scheduler_->drafted_tokens(), 5u);  // six rows of logits
  first.lookup->add_generated(1);
  first.last = 1;
  first.room = 3;
  scheduler_->step();
  EXPECT_EQ(scheduler_->drafted_tokens(), 7u);
  first.lookup->add_generated(1);
  first.last = 1;
  first.room = 1;
  scheduler_->step();
  EXPECT_EQ(scheduler_->drafted_tokens(), 7u);
  first.room = 100;
  first.lookup->add_generated(1);
  first.last = 1;
  first.job.tokens_max = first.generated + 2;
  admit(20, 50);  // a prompt to read: no guesses
  scheduler_->step();
  EXPECT_EQ(scheduler_->drafted_tokens(), 7u);
  ASSERT_FALSE(first.reason.has_value());
  first.lookup->add_generated(1);
  first.last = 1;
  scheduler_->active()[1].room = 0;
  scheduler_->step();  // one token is left: nothing to guess
  EXPECT_EQ(scheduler_->drafted_tokens(), 7u);
  EXPECT_EQ(first.reason, FinishReason::length);
}

}  // namespace
}  // namespace sotto::engine

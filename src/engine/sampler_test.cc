// Tests of the order of the sampler's steps, of its ties, ranges and log probabilities.
// SPDX-License-Identifier: Apache-2.0
#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

namespace sotto::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

SamplingParams greedy() {
  SamplingParams params;
  params.temperature = 0;
  return params;
}

// The tokens that a fresh sampler gives when it sees the same logits again and again.
std::vector<TokenId> sample_many(const SamplingParams& params, const std::vector<float>& logits,
                                 int count, const std::vector<TokenId>& prompt = {}) {
  Sampler sampler(params, static_cast<uint32_t>(logits.size()), 1000);
  for (const TokenId id : prompt) sampler.accept(id);
  Distribution distribution;
  std::vector<TokenId> ids;
  for (int i = 0; i < count; ++i) {
    Result<Sampled> sampled = sampler.sample(logits, distribution);
    EXPECT_TRUE(sampled.has_value());
    if (!sampled) break;
    ids.push_back(sampled->id);
  }
  return ids;
}

TokenId sample_one(const SamplingParams& params, const std::vector<float>& logits,
                   const std::vector<TokenId>& prompt = {}) {
  return sample_many(params, logits, 1, prompt).at(0);
}

// How often each token comes in `count` draws, as shares.
std::vector<double> shares(const SamplingParams& params, const std::vector<float>& logits,
                           int count) {
  std::vector<double> result(logits.size());
  for (const TokenId id : sample_many(params, logits, count)) ++result[static_cast<size_t>(id)];
  for (double& share : result) share /= count;
  return result;
}

TEST(Sampler, temperature_zero_takes_the_highest_logit_and_the_lower_id_of_a_tie) {
  EXPECT_EQ(sample_one(greedy(), {1, 5, 3, 5}), 1);
  EXPECT_EQ(sample_one(greedy(), {-0.0f, 0.0f}), 0);
  EXPECT_EQ(sample_one(greedy(), {-3}), 0);
  // Also where the tie spans the vector lanes of the search.
  std::vector<float> logits(100, -1);
  logits[17] = logits[40] = logits[99] = 2;
  EXPECT_EQ(sample_one(greedy(), logits), 17);
}

TEST(Sampler, tiny_temperature_is_temperature_zero) {
  SamplingParams params;
  params.temperature = 1e-30f;
  EXPECT_EQ(sample_one(params, {1, 1.001f, 1}), 1);
}

TEST(Sampler, same_seed_gives_the_same_tokens_and_another_seed_others) {
  SamplingParams params;
  params.temperature = 1;
  params.seed = 7;
  const std::vector<float> logits = {0, 0.5f, 1, 0.25f, 0, 0.1f, 0.7f};
  const std::vector<TokenId> first = sample_many(params, logits, 50);
  EXPECT_EQ(sample_many(params, logits, 50), first);
  params.seed = 8;
  EXPECT_NE(sample_many(params, logits, 50), first);
}

TEST(Sampler, draws_follow_the_softmax_at_the_temperature) {
  SamplingParams params;
  const std::vector<float> logits = {0, 1, -1, 2};
  for (const float temperature : {0.5f, 1.0f, 3.0f}) {
    params.temperature = temperature;
    double total = 0;
    for (const float logit : logits) total += std::exp(logit / temperature);
    const std::vector<double> found = shares(params, logits, 20'000);
    for (size_t i = 0; i < logits.size(); ++i) {
      // Five standard deviations of a share at most.
      EXPECT_NEAR(found[i], std::exp(logits[i] / temperature) / total, 0.018) << i;
    }
  }
}

TEST(Sampler, top_k_keeps_the_best_and_the_lower_ids_of_a_tie) {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 3;
  const std::vector<double> found = shares(params, {1, 2, 1, 1, -4, 1}, 4000);
  EXPECT_GT(found[0], 0.15);
  EXPECT_GT(found[1], 0.4);
  EXPECT_GT(found[2], 0.15);
  EXPECT_EQ(found[3] + found[4] + found[5], 0);
}

TEST(Sampler, top_k_beyond_the_vocabulary_keeps_all) {
  SamplingParams params;
  params.temperature = 1;
  const std::vector<TokenId> all = sample_many(params, {1, 2, 3}, 100);
  params.top_k = 3;
  EXPECT_EQ(sample_many(params, {1, 2, 3}, 100), all);
  params.top_k = 1'000'000'000;
  EXPECT_EQ(sample_many(params, {1, 2, 3}, 100), all);
}

TEST(Sampler, top_p_keeps_the_fewest_tokens_that_reach_it) {
  SamplingParams params;
  params.temperature = 1;
  // Shares 0.5, 0.25, 0.125, 0.125, in an order that sorting must mend.
  const float step = std::log(2.0f);
  const std::vector<float> logits = {0, 2 * step, 0, step};
  params.top_p = 0.49f;
  EXPECT_EQ(shares(params, logits, 500)[1], 1);
  params.top_p = 0.6f;
  std::vector<double> found = shares(params, logits, 4000);
  EXPECT_NEAR(found[1], 2.0 / 3, 0.05);
  EXPECT_NEAR(found[3], 1.0 / 3, 0.05);
  params.top_p = 0.8f;  // one of the two equal ones: the lower id
  found = shares(params, logits, 4000);
  EXPECT_GT(found[0], 0.1);
  EXPECT_EQ(found[2], 0);
}

TEST(Sampler, top_p_zero_keeps_one_token) {
  SamplingParams params;
  params.temperature = 5;
  params.top_p = 0;
  EXPECT_EQ(sample_many(params, {1, 2, 2, 1}, 20), std::vector<TokenId>(20, 1));
}

TEST(Sampler, top_p_is_of_what_top_k_left) {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 2;
  params.top_p = 0.6f;
  // Of all five the first has a share of 0.4, of the best two 0.67.
  const float step = std::log(2.0f);
  EXPECT_EQ(shares(params, {step, 0, 0, 0, 0}, 200)[0], 1);
}

TEST(Sampler, min_p_drops_tokens_far_below_the_best) {
  SamplingParams params;
  params.temperature = 1;
  params.min_p = 0.3f;
  const float step = std::log(2.0f);
  const std::vector<double> found = shares(params, {0, 2 * step, 0, step}, 4000);
  EXPECT_NEAR(found[1], 2.0 / 3, 0.05);
  EXPECT_NEAR(found[3], 1.0 / 3, 0.05);
  EXPECT_EQ(found[0] + found[2], 0);
}

TEST(Sampler, repetition_penalty_divides_positive_and_multiplies_negative_logits) {
  SamplingParams params = greedy();
  params.repetition_penalty = 2;
  EXPECT_EQ(sample_one(params, {4, 3}), 0);
  EXPECT_EQ(sample_one(params, {4, 3}, {0}), 1);
  EXPECT_EQ(sample_one(params, {4, 1.5f}, {0, 0, 0}), 0);  // once, not once per sight
  EXPECT_EQ(sample_one(params, {-2, -3}, {0}), 1);
}

TEST(Sampler, repetition_penalty_looks_back_as_far_as_its_window) {
  SamplingParams params = greedy();
  params.repetition_penalty = 2;
  params.penalty_window = 2;
  EXPECT_EQ(sample_one(params, {4, 3, 0}, {0, 2}), 1);
  EXPECT_EQ(sample_one(params, {4, 3, 0}, {0, 2, 2}), 0);
  params.penalty_window = 0;
  EXPECT_EQ(sample_one(params, {4, 3, 0}, {0, 2, 2}), 1);
}

TEST(Sampler, frequency_penalty_counts_generated_tokens_only) {
  SamplingParams params = greedy();
  params.frequency_penalty = 1;
  EXPECT_EQ(sample_many(params, {2.5f, 2, 0}, 6, {0, 0, 0, 0}),
            (std::vector<TokenId>{0, 1, 0, 1, 0, 1}));
}

TEST(Sampler, presence_penalty_does_not_grow) {
  SamplingParams params = greedy();
  params.presence_penalty = 1;
  EXPECT_EQ(sample_many(params, {2.5f, 2, 0.5f}, 5), (std::vector<TokenId>{0, 1, 0, 0, 0}));
}

TEST(Sampler, negative_penalties_encourage) {
  SamplingParams params = greedy();
  params.presence_penalty = -2;
  params.logit_bias = {{1, 0.5f}};
  EXPECT_EQ(sample_many(params, {1, 1}, 3), (std::vector<TokenId>{1, 1, 1}));
}

TEST(Sampler, bias_forbids_and_forces) {
  SamplingParams params;
  params.temperature = 1;
  params.logit_bias = {{0, -100}};
  EXPECT_EQ(shares(params, {20, 1, 1}, 500)[0], 0);
  params.logit_bias = {{2, 100}};
  EXPECT_EQ(shares(params, {20, 1, 1}, 500)[2], 1);
  params.logit_bias = {{2, 10}, {2, 10}};  // each is added
  EXPECT_EQ(sample_one(params, {0, 0, 0}), 2);
}

TEST(Sampler, log_probabilities_are_of_the_unmodified_logits) {
  SamplingParams params = greedy();
  params.logprobs = true;
  params.top_logprobs = 3;
  params.logit_bias = {{0, 50}};
  params.repetition_penalty = 5;
  const std::vector<float> logits = {0, 2, 1, 2};
  Sampler sampler(params, 4, 10);
  sampler.accept(1);
  Distribution distribution;
  const Result<Sampled> sampled = sampler.sample(logits, distribution);
  ASSERT_TRUE(sampled.has_value());
  const double normalizer = std::log(std::exp(0.0) + 2 * std::exp(2.0) + std::exp(1.0));
  EXPECT_EQ(sampled->id, 0);
  EXPECT_FLOAT_EQ(sampled->logprob, static_cast<float>(-normalizer));
  ASSERT_EQ(sampled->top.size(), 3u);
  EXPECT_EQ(sampled->top[0].id, 1);
  EXPECT_EQ(sampled->top[1].id, 3);
  EXPECT_EQ(sampled->top[2].id, 2);
  EXPECT_FLOAT_EQ(sampled->top[0].logprob, static_cast<float>(2 - normalizer));
  EXPECT_FLOAT_EQ(sampled->top[2].logprob, static_cast<float>(1 - normalizer));
}

TEST(Sampler, alternatives_are_no_more_than_the_vocabulary) {
  SamplingParams params = greedy();
  params.top_logprobs = 20;
  Sampler sampler(params, 2, 10);
  Distribution distribution;
  const Result<Sampled> sampled = sampler.sample(std::vector<float>{1, 2}, distribution);
  ASSERT_TRUE(sampled.has_value());
  EXPECT_EQ(sampled->top.size(), 2u);
}

TEST(Sampler, log_probabilities_do_not_change_the_draws) {
  SamplingParams params;
  params.temperature = 1;
  const std::vector<float> logits = {1, 2, 3, 2, 1};
  const std::vector<TokenId> plain = sample_many(params, logits, 50);
  params.logprobs = true;
  params.top_logprobs = 5;
  EXPECT_EQ(sample_many(params, logits, 50), plain);
}

TEST(Sampler, logit_that_is_not_finite_is_an_internal_error) {
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    for (const size_t place : {size_t{0}, size_t{20}, size_t{36}}) {
      for (const float temperature : {0.0f, 1.0f}) {
        SamplingParams params;
        params.temperature = temperature;
        std::vector<float> logits(37, 1);
        logits[place] = bad;
        Sampler sampler(params, 37, 10);
        Distribution distribution;
        const Result<Sampled> sampled = sampler.sample(logits, distribution);
        ASSERT_FALSE(sampled.has_value());
        EXPECT_EQ(sampled.error().kind, ErrorKind::internal);
      }
    }
  }
}

TEST(Sampler, extreme_but_finite_logits_are_no_trouble) {
  SamplingParams params;
  params.temperature = 0.01f;
  params.top_p = 0.9f;
  EXPECT_EQ(sample_one(params, {-3e38f, 3e38f, 0}), 1);
}

TEST(Validate, takes_defaults_and_borders) {
  EXPECT_TRUE(validate({}).has_value());
  SamplingParams params;
  params.temperature = 5;
  params.top_p = 0;
  params.min_p = 1;
  params.repetition_penalty = 10;
  params.frequency_penalty = -2;
  params.presence_penalty = 2;
  params.top_logprobs = 20;
  params.logit_bias = {{0, -100}, {0, 100}};
  EXPECT_TRUE(validate(params).has_value());
}

TEST(Validate, names_what_is_out_of_its_range) {
  struct Case {
    std::string name;
    std::function<void(SamplingParams&)> change;
  };
  const std::vector<Case> cases = {
      {"temperature", [](SamplingParams& p) { p.temperature = -0.1f; }},
      {"temperature", [](SamplingParams& p) { p.temperature = 5.1f; }},
      {"temperature", [](SamplingParams& p) { p.temperature = kNan; }},
      {"top_p", [](SamplingParams& p) { p.top_p = 1.01f; }},
      {"top_p", [](SamplingParams& p) { p.top_p = kNan; }},
      {"min_p", [](SamplingParams& p) { p.min_p = -1; }},
      {"repetition_penalty", [](SamplingParams& p) { p.repetition_penalty = 0; }},
      {"repetition_penalty", [](SamplingParams& p) { p.repetition_penalty = kInfinity; }},
      {"frequency_penalty", [](SamplingParams& p) { p.frequency_penalty = 2.5f; }},
      {"presence_penalty", [](SamplingParams& p) { p.presence_penalty = -2.5f; }},
      {"logit_bias", [](SamplingParams& p) { p.logit_bias = {{1, 101}}; }},
      {"logit_bias", [](SamplingParams& p) { p.logit_bias = {{1, kNan}}; }},
      {"logit_bias", [](SamplingParams& p) { p.logit_bias = {{-1, 1}}; }},
      {"logit_bias", [](SamplingParams& p) { p.logit_bias.resize(1025); }},
      {"top_logprobs", [](SamplingParams& p) { p.top_logprobs = 21; }},
  };
  for (const Case& c : cases) {
    SamplingParams params;
    c.change(params);
    const Result<void> result = validate(params);
    ASSERT_FALSE(result.has_value()) << c.name;
    EXPECT_EQ(result.error().kind, ErrorKind::malformed);
    EXPECT_NE(result.error().message.find(c.name), std::string::npos) << result.error().message;
  }
}

}  // namespace
}  // namespace sotto::engine

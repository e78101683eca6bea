// Tests that guessing ahead changes nothing that an engine delivers.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "engine/engine_for_testing.h"

namespace sotto::engine {
namespace {

// A request with something of everything: penalties, biases, limits, stops, errors, log
// probabilities. Some tokens are made so likely that the answer repeats itself.
Request any_request(uint64_t seed) {
  uint64_t draw = 0;
  const auto upto = [&](double limit) { return uniform(~seed, draw++) * limit; };
  const auto token = [&] { return static_cast<TokenId>(upto(Tiny::kVocabulary - 1)); };
  const auto length = static_cast<uint32_t>(1 + upto(80));
  Request request = make_request(length, static_cast<uint32_t>(1 + upto(120)), seed);
  if (seed % 5 == 0) {
    for (size_t i = 7; i < length; ++i) request.prompt[i] = request.prompt[i % 7];
  }
  SamplingParams& sampling = request.sampling;
  if (seed % 4 == 0) sampling.temperature = 0;
  if (seed % 3 == 0) sampling.repetition_penalty = static_cast<float>(0.8 + upto(0.6));
  if (seed % 7 == 1) sampling.frequency_penalty = static_cast<float>(upto(1));
  if (seed % 7 == 2) sampling.presence_penalty = static_cast<float>(upto(1));
  if (seed % 3 == 1) sampling.top_p = 0.8f;
  if (seed % 6 == 5) sampling.logit_bias = {{Tiny::kPoison, 4.0f}};  // it may come
  for (uint64_t i = 0; i < seed % 4; ++i) {
    sampling.logit_bias.emplace_back(token(), static_cast<float>(upto(12)));
  }
  sampling.logprobs = seed % 2 == 0;
  sampling.top_logprobs = seed % 5 == 1 ? 3 : 0;
  if (seed % 3 == 2) request.stop_tokens = {token(), token(), token(), token()};
  if (seed % 11 == 10) request.tokens_max = 0;
  return request;
}

void expect_same(const Read& one, const Read& other, uint64_t seed) {
  EXPECT_EQ(one.ids, other.ids) << seed;
  EXPECT_EQ(one.logprobs, other.logprobs) << seed;
  EXPECT_EQ(one.alternatives, other.alternatives) << seed;
  ASSERT_EQ(one.error.has_value(), other.error.has_value()) << seed;
  if (one.error.has_value()) {
    EXPECT_EQ(one.error->message, other.error->message) << seed;
  }
  ASSERT_EQ(one.finish.has_value(), other.finish.has_value()) << seed;
  if (!one.finish.has_value()) return;
  EXPECT_EQ(one.finish->reason, other.finish->reason) << seed;
  EXPECT_EQ(one.finish->prompt_tokens, other.finish->prompt_tokens) << seed;
  EXPECT_EQ(one.finish->generated_tokens, other.finish->generated_tokens) << seed;
}

std::vector<Read> answer_all(const EngineOptions& options, uint64_t requests, EngineStats& stats) {
  const std::unique_ptr<Engine> engine = make_engine(options);
  std::vector<TokenStream> streams;
  for (uint64_t i = 0; i < requests; ++i) streams.push_back(submit(*engine, any_request(i)));
  std::vector<Read> answers(requests);
  std::vector<std::thread> readers;
  for (size_t reader = 0; reader < 8; ++reader) {
    readers.emplace_back([&, reader] {
      for (size_t i = reader; i < requests; i += 8) answers[i] = read_all(streams[i]);
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_TRUE(becomes_idle(*engine));
  stats = engine->stats();
  return answers;
}

TEST(EngineSpeculation, changes_nothing_that_is_delivered) {
  constexpr uint64_t kRequests = 90;
  EngineOptions options{.sequences_max = 1, .queue_max = kRequests, .context = 400};
  options.speculation = Speculation::off;
  EngineStats plain_stats;
  const std::vector<Read> plain = answer_all(options, kRequests, plain_stats);
  EXPECT_EQ(plain_stats.drafted_tokens, 0u);
  uint64_t errors = 0, stops = 0;
  for (const Read& read : plain) {
    errors += read.error.has_value() && !read.ids.empty();
    stops += read.finish.has_value() && read.finish->reason == FinishReason::stop;
  }
  EXPECT_GT(errors, 2u);
  EXPECT_GT(stops, 5u);

  for (const uint32_t sequences : {1u, 6u}) {
    for (const Speculation speculation : {Speculation::always, Speculation::automatic}) {
      options.sequences_max = sequences;
      options.cache_positions = sequences * 512;
      options.speculation = speculation;
      options.draft_tokens_max = sequences == 1 ? 15 : 5;
      options.stream_tokens_max = sequences == 1 ? 256 : 12;
      EngineStats stats;
      const std::vector<Read> guessed = answer_all(options, kRequests, stats);
      for (uint64_t i = 0; i < kRequests; ++i) expect_same(guessed[i], plain[i], i);
      EXPECT_EQ(stats.prompt_tokens, plain_stats.prompt_tokens);
      EXPECT_EQ(stats.generated_tokens, plain_stats.generated_tokens);
      if (speculation != Speculation::always) continue;
      EXPECT_GT(stats.accepted_tokens, plain_stats.generated_tokens / 20);
      EXPECT_GT(stats.drafted_tokens, stats.accepted_tokens);
    }
  }
}

TEST(EngineSpeculation, needs_room_for_logits) {
  EngineOptions options{.speculation = Speculation::always, .draft_tokens_max = 1000};
  EXPECT_EQ(make_engine(options)->options().draft_tokens_max, 63u);
  options.speculation = Speculation::off;
  EXPECT_EQ(make_engine(options)->options().draft_tokens_max, 0u);
}

TEST(EngineSpeculation, cancelling_leaves_a_beginning_of_the_answer) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    Request request = make_request(30, 200, seed);
    request.sampling.logit_bias.emplace_back(static_cast<TokenId>(seed), 6.0f);
    const Read whole = answer_alone(request);
    const std::unique_ptr<Engine> engine =
        make_engine({.stream_tokens_max = 9, .speculation = Speculation::always});
    TokenStream stream = submit(*engine, request);
    std::vector<TokenId> read;
    while (read.size() < 10 + 5 * seed) {
      const auto token = stream.next();
      ASSERT_TRUE(token.has_value() && token->has_value());
      read.push_back((*token)->id);
    }
    stream.cancel();
    EXPECT_TRUE(std::equal(read.begin(), read.end(), whole.ids.begin()));
    EXPECT_TRUE(read_all(stream).ids.empty());
    ASSERT_TRUE(stream.finish().has_value());
    EXPECT_EQ(stream.finish()->reason, FinishReason::cancelled);
    EXPECT_EQ(stream.finish()->generated_tokens, read.size());
    EXPECT_TRUE(becomes_idle(*engine));
  }
}

}  // namespace
}  // namespace sotto::engine

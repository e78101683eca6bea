// Prompts that begin alike: computed once for a tenant, never found by another, the same bits always.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "engine/engine_for_testing.h"

namespace sotto::engine {
namespace {

constexpr uint32_t kPage = model::kPagePositions;

Request request_with(uint32_t shared_tokens, uint32_t own_tokens, uint64_t seed) {
  Request request = make_request(own_tokens, 6, seed);
  std::vector<TokenId> prompt = make_prompt(shared_tokens, 77);
  prompt.insert(prompt.end(), request.prompt.begin(), request.prompt.end());
  request.prompt = std::move(prompt);
  request.sampling.logprobs = true;
  return request;
}

Read ask(Engine& engine, const Request& request) {
  TokenStream stream = submit(engine, request);
  return read_all(stream);
}

TEST(EnginePrefix, is_computed_once_and_gives_the_same_bits) {
  const Request first = request_with(3 * kPage, 5, 1);
  const Request second = request_with(3 * kPage, 9, 2);
  const Read alone = answer_alone(second);
  const std::unique_ptr<Engine> engine = make_engine({});
  EXPECT_EQ(ask(*engine, first).cached_tokens, 0u);
  const Read read = ask(*engine, second);
  EXPECT_EQ(read.cached_tokens, 3 * kPage);
  EXPECT_EQ(read.finish->prompt_tokens, 3 * kPage + 9);
  EXPECT_EQ(read.ids, alone.ids);
  EXPECT_EQ(read.logprobs, alone.logprobs);
  EXPECT_EQ(engine->stats().prompt_tokens, 3 * kPage + 5 + 9);
  EXPECT_EQ(engine->stats().cached_tokens, 3 * kPage);
}

TEST(EnginePrefix, leaves_the_last_token_to_compute) {
  const Request request = request_with(2 * kPage, 0, 1);
  const std::unique_ptr<Engine> engine = make_engine({});
  const Read first = ask(*engine, request);
  const Read second = ask(*engine, request);
  EXPECT_EQ(second.cached_tokens, kPage);
  EXPECT_EQ(first.ids, second.ids);
}

TEST(EnginePrefix, reaches_into_the_answer_before) {
  Request request = request_with(kPage - 10, 0, 1);
  request.tokens_max = 20;
  const std::unique_ptr<Engine> engine = make_engine({});
  const Read first = ask(*engine, request);
  ASSERT_EQ(first.ids.size(), 20u);
  EXPECT_TRUE(becomes_idle(*engine));
  request.prompt.insert(request.prompt.end(), first.ids.begin(), first.ids.end());
  const Read alone = ask(*make_engine({.prefix_cache = false}), request);
  const Read second = ask(*engine, request);
  EXPECT_EQ(second.cached_tokens, kPage);
  EXPECT_EQ(second.ids, alone.ids);
}

TEST(EnginePrefix, is_never_another_tenants) {
  Request request = request_with(2 * kPage, 5, 1);
  const std::unique_ptr<Engine> engine = make_engine({});
  request.tenant = 1;
  ask(*engine, request);
  request.tenant = 2;
  EXPECT_EQ(ask(*engine, request).cached_tokens, 0u);
  request.tenant = 1;
  EXPECT_EQ(ask(*engine, request).cached_tokens, 2 * kPage);
}

TEST(EnginePrefix, is_not_kept_where_it_is_turned_off) {
  const Request request = request_with(2 * kPage, 5, 1);
  const std::unique_ptr<Engine> engine = make_engine({.prefix_cache = false});
  ask(*engine, request);
  EXPECT_EQ(ask(*engine, request).cached_tokens, 0u);
  EXPECT_TRUE(becomes_idle(*engine));
  EXPECT_EQ(engine->stats().pages_free, engine->stats().pages);
}

TEST(EnginePrefix, gives_way_to_those_that_ask) {
  const std::unique_ptr<Engine> engine =
      make_engine({.context = 4 * kPage, .cache_positions = 4 * kPage});
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Request request = make_request(3 * kPage + 10, 6, seed);
    const Read read = ask(*engine, request);
    ASSERT_TRUE(read.finish.has_value()) << seed;
    EXPECT_EQ(read.cached_tokens, 0u);
    EXPECT_TRUE(becomes_idle(*engine));
    EXPECT_EQ(engine->stats().pages_cached, 3u);
  }
}

// Many at once with few pages, in several tenants: every answer is the one it has alone.
TEST(EnginePrefix, changes_nothing_under_load) {
  std::vector<Request> requests;
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    const auto shared = static_cast<uint32_t>(uniform(9, seed) * 3 * kPage);
    requests.push_back(request_with(shared, 1 + static_cast<uint32_t>(seed) * 3, seed));
    requests.back().tenant = seed % 3;
  }
  std::vector<Read> alone;
  for (const Request& request : requests) alone.push_back(answer_alone(request));
  const std::unique_ptr<Engine> engine = make_engine({.sequences_max = 6,
                                                      .context = 5 * kPage,
                                                      .cache_positions = 12 * kPage,
                                                      .prompt_chunk = 50,
                                                      .speculation = Speculation::always});
  for (int round = 0; round < 3; ++round) {
    std::vector<TokenStream> streams;
    for (const Request& request : requests) streams.push_back(submit(*engine, request));
    for (size_t i = 0; i < streams.size(); ++i) {
      if (i % 5 == 4) streams[i].cancel();
      const Read read = read_all(streams[i]);
      if (i % 5 == 4) continue;
      EXPECT_EQ(read.ids, alone[i].ids) << round << " " << i;
      EXPECT_EQ(read.logprobs, alone[i].logprobs) << round << " " << i;
    }
  }
  EXPECT_GT(engine->stats().cached_tokens, 0u);
  EXPECT_TRUE(becomes_idle(*engine));
}

Request embed(std::vector<TokenId> prompt) {
  Request request;
  request.prompt = std::move(prompt);
  request.embed = true;
  return request;
}

TEST(EngineEmbedding, is_the_same_however_it_was_computed) {
  const std::vector<TokenId> prompt = make_prompt(300, 4);
  const Read alone = ask(*make_engine({.prompt_chunk = 400}), embed(prompt));
  ASSERT_TRUE(alone.finish.has_value());
  EXPECT_TRUE(alone.ids.empty());
  EXPECT_EQ(alone.finish->prompt_tokens, 300u);
  const SecretVector<float>& vector = alone.finish->embedding;
  ASSERT_EQ(vector.size(), tiny().shape().width);
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
  EXPECT_NEAR(squares, 1, 1e-5);

  const std::unique_ptr<Engine> engine = make_engine({.prompt_chunk = 7});
  TokenStream other = submit(*engine, make_request(50, 40));
  TokenStream chat = submit(*engine, request_with(2 * kPage, 3, 5));
  const Read among = ask(*engine, embed(prompt));
  EXPECT_EQ(among.finish->embedding, vector);
  EXPECT_NE(ask(*engine, embed(make_prompt(300, 5))).finish->embedding, vector);
  EXPECT_TRUE(read_all(other).finish->embedding.empty());
}

TEST(EngineEmbedding, takes_prompts_as_long_as_the_context) {
  const std::unique_ptr<Engine> engine = make_engine({.context = 64});
  EXPECT_EQ(ask(*engine, embed(make_prompt(64, 1))).finish->prompt_tokens, 64u);
  EXPECT_FALSE(engine->submit(embed(make_prompt(65, 1))).has_value());
}

}  // namespace
}  // namespace sotto::engine

// Taking tokens without waiting, and tenants that share places and prompts.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "engine/engine_for_testing.h"

namespace sotto::engine {
namespace {

TEST(EngineStreams, tell_when_there_is_something_to_take) {
  const std::unique_ptr<Engine> engine = make_engine({.stream_tokens_max = 4});
  const Request request = make_request(40, 30, 3);
  TokenStream blocking = submit(*engine, request);
  const Read expected = read_all(blocking);
  TokenStream stream = submit(*engine, request);
  std::mutex mutex;
  std::condition_variable changed;
  SecretVector<Sampled> tokens;
  for (;;) {
    const Result<bool> over = stream.take(tokens);
    ASSERT_TRUE(over.has_value());
    if (*over) break;
    bool ready = false;
    stream.on_ready([&] {
      const std::lock_guard lock(mutex);
      ready = true;
      changed.notify_one();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ready; });
  }
  ASSERT_EQ(tokens.size(), expected.ids.size());
  for (size_t i = 0; i < tokens.size(); ++i) EXPECT_EQ(tokens[i].id, expected.ids[i]);
  EXPECT_EQ(stream.finish()->generated_tokens, 30u);
}

TEST(EngineStreams, do_not_call_who_took_the_callback_back) {
  const std::unique_ptr<Engine> engine = make_engine({});
  TokenStream stream = submit(*engine, make_request(300, 5, 1));
  stream.on_ready([] { FAIL(); });
  stream.on_ready(nullptr);
  EXPECT_EQ(read_all(stream).ids.size(), 5u);
}

TEST(EngineTenants, find_a_place_beside_one_that_floods) {
  const std::unique_ptr<Engine> engine = make_engine({.sequences_max = 3,
                                                      .sequences_per_tenant_max = 2,
                                                      .cache_positions = 8192,
                                                      .stream_tokens_max = 8});
  std::vector<TokenStream> flood;
  for (uint64_t i = 0; i < 8; ++i) {
    Request request = make_request(20, 200, i);
    request.tenant = 1;
    flood.push_back(submit(*engine, request));
  }
  Request request = make_request(20, 5, 9);
  request.tenant = 2;
  TokenStream other = submit(*engine, request);
  EXPECT_EQ(read_all(other).ids.size(), 5u);
  // The first two wait for a reader in their places, so the last one cannot have begun.
  SecretVector<Sampled> tokens;
  const Result<bool> over = flood.back().take(tokens);
  ASSERT_TRUE(over.has_value());
  EXPECT_FALSE(*over);
  EXPECT_TRUE(tokens.empty());
  for (TokenStream& stream : flood) EXPECT_EQ(read_all(stream).ids.size(), 200u);
}

}  // namespace
}  // namespace sotto::engine

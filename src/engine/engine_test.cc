// Tests of the engine through its interface: batching, limits, cancelling, fairness, ends.
// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <thread>

#include "engine/engine_for_testing.h"

namespace sotto::engine {
namespace {

using namespace std::chrono_literals;

TEST(Engine, answers_do_not_depend_on_what_else_is_running) {
  std::vector<Request> requests;
  for (uint64_t i = 0; i < 12; ++i) {
    Request request = make_request(static_cast<uint32_t>(1 + 29 * i), 20 + 3 * (i % 4), i);
    request.sampling.logprobs = true;
    if (i % 3 == 0) request.sampling.repetition_penalty = 1.3f;
    if (i % 3 == 1) request.sampling.top_p = 0.9f;
    if (i % 4 == 3) request.sampling.temperature = 0;
    requests.push_back(std::move(request));
  }
  std::vector<Read> alone;
  for (const Request& request : requests) alone.push_back(answer_alone(request));
  const std::unique_ptr<Engine> engine = make_engine(
      {.sequences_max = 8, .cache_positions = 4096, .prompt_chunk = 33, .stream_tokens_max = 5});
  std::vector<TokenStream> streams;
  for (const Request& request : requests) streams.push_back(submit(*engine, request));
  std::vector<Read> together(requests.size());
  std::vector<std::thread> readers;
  for (size_t i = 0; i < requests.size(); ++i) {
    readers.emplace_back([&, i] { together[i] = read_all(streams[i]); });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_TRUE(becomes_idle(*engine));
  const EngineStats stats = engine->stats();
  uint64_t generated = 0;
  uint64_t prompt = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(together[i].ids, alone[i].ids) << i;
    EXPECT_EQ(together[i].logprobs, alone[i].logprobs) << i;
    ASSERT_TRUE(together[i].finish.has_value());
    EXPECT_EQ(together[i].finish->reason, FinishReason::length);
    EXPECT_EQ(together[i].finish->prompt_tokens, requests[i].prompt.size());
    EXPECT_EQ(together[i].finish->generated_tokens, requests[i].tokens_max);
    EXPECT_EQ(together[i].ids.size(), requests[i].tokens_max);
    generated += together[i].ids.size();
    prompt += requests[i].prompt.size();
  }
  EXPECT_EQ(stats.requests, requests.size());
  EXPECT_EQ(stats.generated_tokens, generated);
  EXPECT_EQ(stats.prompt_tokens, prompt);
}

TEST(Engine, answer_is_what_model_and_sampler_give_by_themselves) {
  const Request request = make_request(17, 12, 5);
  auto cache = model::KvCache::create(tiny().kv_layout(model::KvType::F16), 64);
  ASSERT_TRUE(cache.has_value());
  auto sequence = (*cache)->reserve(29);
  ASSERT_TRUE(sequence.has_value());
  Sampler sampler(request.sampling, Tiny::kVocabulary, 29);
  Distribution distribution;
  std::vector<TokenId> tokens = request.prompt;
  std::vector<TokenId> expected;
  for (int i = 0; i < 12; ++i) {
    const model::BatchPart part{&*sequence, tokens, model::Want::last};
    const Result<model::Logits> logits = tiny().forward({&part, 1});
    ASSERT_TRUE(logits.has_value());
    const Result<Sampled> sampled = sampler.sample(logits->row(0), distribution);
    ASSERT_TRUE(sampled.has_value());
    expected.push_back(sampled->id);
    tokens = {sampled->id};
  }
  EXPECT_EQ(answer_alone(request).ids, expected);
}

TEST(Engine, cancelling_in_the_middle_leaves_the_others_alone) {
  const Request first = make_request(20, 40, 1);
  const Request third = make_request(70, 40, 3);
  const Read first_alone = answer_alone(first);
  const Read third_alone = answer_alone(third);
  const std::unique_ptr<Engine> engine =
      make_engine({.cache_positions = 4096, .prompt_chunk = 16, .stream_tokens_max = 2});
  TokenStream a = submit(*engine, first);
  TokenStream b = submit(*engine, make_request(30, 400, 2));
  TokenStream c = submit(*engine, third);
  for (int i = 0; i < 3; ++i) {
    const auto token = b.next();
    ASSERT_TRUE(token.has_value() && token->has_value());
  }
  b.cancel();
  const Read cancelled = read_all(b);
  EXPECT_TRUE(cancelled.ids.empty());
  ASSERT_TRUE(cancelled.finish.has_value());
  EXPECT_EQ(cancelled.finish->reason, FinishReason::cancelled);
  EXPECT_EQ(cancelled.finish->generated_tokens, 3u);
  EXPECT_EQ(read_all(c).ids, third_alone.ids);
  EXPECT_EQ(read_all(a).ids, first_alone.ids);
  EXPECT_TRUE(becomes_idle(*engine));
}

TEST(Engine, cancelling_frees_a_request_that_waits) {
  const std::unique_ptr<Engine> engine = make_engine({.sequences_max = 1, .stream_tokens_max = 1});
  TokenStream holder = submit(*engine, make_request(5, 100));
  TokenStream waiting = submit(*engine, make_request(5, 100));
  EXPECT_TRUE(comes_true([&] { return engine->stats().running == 1; }));
  EXPECT_EQ(engine->stats().waiting, 1u);
  waiting.cancel();
  const Read read = read_all(waiting);
  EXPECT_TRUE(read.ids.empty());
  ASSERT_TRUE(read.finish.has_value());
  EXPECT_EQ(read.finish->reason, FinishReason::cancelled);
  EXPECT_EQ(read.finish->generated_tokens, 0u);
  EXPECT_GT(read.finish->queue_time.count(), 0);
  EXPECT_EQ(read.finish->prompt_time.count(), 0);
  EXPECT_EQ(engine->stats().waiting, 0u);
  EXPECT_EQ(read_all(holder).ids.size(), 100u);
}

TEST(Engine, cancelling_ends_a_prompt_half_way) {
  const std::unique_ptr<Engine> engine = make_engine({.prompt_chunk = 1});
  TokenStream stream = submit(*engine, make_request(1000, 10));
  EXPECT_TRUE(comes_true([&] { return engine->stats().prompt_tokens > 0; }));
  stream.cancel();
  const Read read = read_all(stream);
  ASSERT_TRUE(read.finish.has_value());
  EXPECT_EQ(read.finish->reason, FinishReason::cancelled);
  EXPECT_TRUE(becomes_idle(*engine));
  EXPECT_LT(engine->stats().prompt_tokens, 1000u);
  EXPECT_EQ(engine->stats().generated_tokens, 0u);
}

TEST(Engine, destroying_a_stream_cancels_its_request) {
  const Request next = make_request(5, 4, 9);
  const Read next_alone = answer_alone(next);
  const std::unique_ptr<Engine> engine = make_engine({.sequences_max = 1, .stream_tokens_max = 1});
  {
    const TokenStream running = submit(*engine, make_request(5, 500));
    const TokenStream waiting = submit(*engine, make_request(5, 500));
    EXPECT_TRUE(comes_true([&] { return engine->stats().running == 1; }));
  }
  EXPECT_TRUE(becomes_idle(*engine));
  // Assigning to a stream cancels what it was.
  TokenStream stream = submit(*engine, make_request(5, 500));
  stream = submit(*engine, next);
  EXPECT_EQ(read_all(stream).ids, next_alone.ids);
}

TEST(Engine, cancelling_after_the_end_drops_what_was_not_read) {
  const std::unique_ptr<Engine> engine = make_engine({});
  TokenStream stream = submit(*engine, make_request(5, 10));
  EXPECT_TRUE(becomes_idle(*engine));
  ASSERT_TRUE(stream.next().has_value());
  stream.cancel();
  const Read read = read_all(stream);
  EXPECT_TRUE(read.ids.empty());
  ASSERT_TRUE(read.finish.has_value());
  EXPECT_EQ(read.finish->reason, FinishReason::cancelled);
  EXPECT_EQ(read.finish->generated_tokens, 1u);
}

TEST(Engine, queue_has_an_end) {
  const std::unique_ptr<Engine> engine =
      make_engine({.sequences_max = 1, .queue_max = 2, .stream_tokens_max = 1});
  TokenStream running = submit(*engine, make_request(5, 100));
  EXPECT_TRUE(comes_true([&] { return engine->stats().running == 1; }));
  TokenStream first = submit(*engine, make_request(5, 5));
  TokenStream second = submit(*engine, make_request(5, 5));
  const Result<TokenStream> refused = engine->submit(make_request(5, 5));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
  EXPECT_EQ(refused.error().message, "the queue is full: 2 requests are waiting");
  first.cancel();
  EXPECT_TRUE(comes_true([&] { return engine->stats().waiting == 1; }));
  TokenStream third = submit(*engine, make_request(5, 5));
  running.cancel();
  EXPECT_EQ(read_all(second).ids.size(), 5u);
  EXPECT_EQ(read_all(third).ids.size(), 5u);
}

TEST(Engine, without_a_queue_free_places_can_still_be_taken) {
  const std::unique_ptr<Engine> engine =
      make_engine({.sequences_max = 3, .queue_max = 0, .cache_positions = 1024});
  std::vector<TokenStream> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(submit(*engine, make_request(5, 50)));
  for (TokenStream& stream : streams) EXPECT_EQ(read_all(stream).ids.size(), 50u);
}

TEST(Engine, small_request_does_not_overtake_a_large_one) {
  const std::unique_ptr<Engine> engine =
      make_engine({.context = 256, .cache_positions = 256, .stream_tokens_max = 1});
  ASSERT_EQ(engine->stats().pages, 2u);
  TokenStream holder = submit(*engine, make_request(5, 50));    // one page
  TokenStream large = submit(*engine, make_request(100, 100));  // both
  TokenStream small = submit(*engine, make_request(5, 5));      // would fit now
  EXPECT_TRUE(comes_true([&] { return engine->stats().generated_tokens >= 1; }));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(engine->stats().running, 1u);
  EXPECT_EQ(engine->stats().waiting, 2u);
  EXPECT_EQ(read_all(holder).ids.size(), 50u);
  const Read large_read = read_all(large);
  EXPECT_EQ(large_read.ids.size(), 100u);
  EXPECT_EQ(read_all(small).ids.size(), 5u);
  EXPECT_GT(small.finish()->queue_time, large_read.finish->prompt_time);
}

TEST(Engine, slow_consumer_pauses_only_its_own_sequence) {
  const Request slow_request = make_request(10, 60, 7);
  const Read slow_alone = answer_alone(slow_request);
  const std::unique_ptr<Engine> engine =
      make_engine({.cache_positions = 4096, .stream_tokens_max = 4});
  TokenStream slow = submit(*engine, slow_request);
  TokenStream quick = submit(*engine, make_request(10, 100, 8));
  EXPECT_EQ(read_all(quick).ids.size(), 100u);
  EXPECT_TRUE(comes_true([&] { return engine->stats().generated_tokens == 104; }));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(engine->stats().generated_tokens, 104u);
  EXPECT_EQ(read_all(slow).ids, slow_alone.ids);
}

TEST(Engine, destroying_the_engine_ends_every_stream) {
  std::unique_ptr<Engine> engine = make_engine({.sequences_max = 2, .stream_tokens_max = 3});
  TokenStream unread = submit(*engine, make_request(5, 200));
  TokenStream blocked = submit(*engine, make_request(600, 200));
  TokenStream waiting = submit(*engine, make_request(5, 200));
  EXPECT_TRUE(comes_true([&] { return engine->stats().generated_tokens >= 3; }));
  Read blocked_read;
  std::thread reader([&] { blocked_read = read_all(blocked); });
  engine.reset();
  reader.join();
  ASSERT_TRUE(blocked_read.finish.has_value());
  EXPECT_EQ(blocked_read.finish->reason, FinishReason::cancelled);
  const Read unread_read = read_all(unread);
  ASSERT_TRUE(unread_read.finish.has_value());
  EXPECT_EQ(unread_read.finish->reason, FinishReason::cancelled);
  EXPECT_EQ(unread_read.finish->generated_tokens, unread_read.ids.size());
  EXPECT_GE(unread_read.ids.size(), 3u);
  const Read waiting_read = read_all(waiting);
  EXPECT_TRUE(waiting_read.ids.empty());
  ASSERT_TRUE(waiting_read.finish.has_value());
  EXPECT_EQ(waiting_read.finish->reason, FinishReason::cancelled);
}

TEST(Engine, stop_token_ends_the_answer_and_is_not_delivered) {
  Request request = make_request(8, 30, 11);
  const std::vector<TokenId> whole = answer_alone(request).ids;
  ASSERT_EQ(whole.size(), 30u);
  request.stop_tokens = {whole[7]};
  const size_t first =
      static_cast<size_t>(std::find(whole.begin(), whole.end(), whole[7]) - whole.begin());
  const Read read = answer_alone(request);
  EXPECT_EQ(read.ids, std::vector<TokenId>(whole.begin(), whole.begin() + static_cast<int>(first)));
  ASSERT_TRUE(read.finish.has_value());
  EXPECT_EQ(read.finish->reason, FinishReason::stop);
  EXPECT_EQ(read.finish->generated_tokens, first);
}

TEST(Engine, answer_without_a_limit_ends_with_the_context) {
  const std::unique_ptr<Engine> engine = make_engine({.context = 100});
  TokenStream stream = submit(*engine, make_request(60, 0));
  const Read read = read_all(stream);
  EXPECT_EQ(read.ids.size(), 40u);
  ASSERT_TRUE(read.finish.has_value());
  EXPECT_EQ(read.finish->reason, FinishReason::length);
}

TEST(Engine, context_is_no_more_than_the_models) {
  const std::unique_ptr<Engine> engine = make_engine({.context = 1'000'000});
  EXPECT_EQ(engine->options().context, Tiny::kContext);
  const Result<TokenStream> refused = engine->submit(make_request(1020, 5));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::exhausted);
  EXPECT_EQ(refused.error().message,
            "a prompt of 1020 tokens and 5 to generate do not fit the context of 1024");
  TokenStream fits = submit(*engine, make_request(1020, 4));
  EXPECT_EQ(read_all(fits).ids.size(), 4u);
}

TEST(Engine, bad_requests_are_refused_without_naming_tokens) {
  struct Case {
    std::string name;
    ErrorKind kind;
    std::function<void(Request&)> change;
  };
  const std::vector<Case> cases = {
      {"empty prompt", ErrorKind::malformed, [](Request& r) { r.prompt.clear(); }},
      {"large token", ErrorKind::malformed, [](Request& r) { r.prompt[2] = 54321; }},
      {"negative token", ErrorKind::malformed, [](Request& r) { r.prompt[2] = -54321; }},
      {"stop token", ErrorKind::malformed, [](Request& r) { r.stop_tokens = {54321}; }},
      {"parameter", ErrorKind::malformed, [](Request& r) { r.sampling.top_p = 2; }},
      {"biased token", ErrorKind::malformed,
       [](Request& r) { r.sampling.logit_bias[0].first = 54321; }},
      {"long prompt", ErrorKind::exhausted, [](Request& r) { r.prompt.resize(2000); }},
      {"long answer", ErrorKind::exhausted, [](Request& r) { r.tokens_max = 4'000'000'000; }},
  };
  const std::unique_ptr<Engine> engine = make_engine({});
  for (const Case& c : cases) {
    Request request = make_request(5, 5);
    c.change(request);
    const Result<TokenStream> result = engine->submit(std::move(request));
    ASSERT_FALSE(result.has_value()) << c.name;
    EXPECT_EQ(result.error().kind, c.kind) << c.name;
    EXPECT_EQ(result.error().message.find("54321"), std::string::npos) << result.error().message;
  }
  EXPECT_EQ(engine->stats().requests, 0u);
}

TEST(Engine, options_beyond_the_models_limits_are_refused) {
  for (const EngineOptions& options : std::vector<EngineOptions>{{.sequences_max = 0},
                                                                 {.sequences_max = 65},
                                                                 {.context = 1},
                                                                 {.prompt_chunk = 0},
                                                                 {.stream_tokens_max = 0}}) {
    const auto engine = Engine::create(tiny(), options);
    ASSERT_FALSE(engine.has_value());
    EXPECT_EQ(engine.error().kind, ErrorKind::malformed);
  }
}

TEST(Engine, failing_answer_ends_with_its_error_and_the_others_go_on) {
  const Request good_request = make_request(10, 30, 4);
  const Read good_alone = answer_alone(good_request);
  const std::unique_ptr<Engine> engine = make_engine({.cache_positions = 4096});
  TokenStream good = submit(*engine, good_request);
  Request bad_request = make_request(10, 30, 5);
  bad_request.prompt[5] = Tiny::kPoison;
  TokenStream bad = submit(*engine, std::move(bad_request));
  const Read bad_read = read_all(bad);
  ASSERT_TRUE(bad_read.error.has_value());
  EXPECT_EQ(bad_read.error->kind, ErrorKind::internal);
  EXPECT_FALSE(bad_read.finish.has_value());
  EXPECT_FALSE(bad.next().has_value());  // again and again
  EXPECT_EQ(read_all(good).ids, good_alone.ids);
  EXPECT_TRUE(becomes_idle(*engine));
}

TEST(Engine, idle_engine_uses_no_processor) {
  const std::unique_ptr<Engine> engine = make_engine({.stream_tokens_max = 2});
  TokenStream paused = submit(*engine, make_request(5, 50));
  EXPECT_TRUE(comes_true([&] { return engine->stats().generated_tokens == 2; }));
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(300ms);
  EXPECT_LT(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC, 0.1);
}

TEST(Engine, times_add_up) {
  const std::unique_ptr<Engine> engine = make_engine({});
  const auto before = std::chrono::steady_clock::now();
  TokenStream stream = submit(*engine, make_request(50, 20));
  const Read read = read_all(stream);
  const auto elapsed = std::chrono::steady_clock::now() - before;
  ASSERT_TRUE(read.finish.has_value());
  EXPECT_GT(read.finish->prompt_time.count(), 0);
  EXPECT_GT(read.finish->generate_time.count(), 0);
  EXPECT_GE(read.finish->queue_time.count(), 0);
  EXPECT_LE(read.finish->queue_time + read.finish->prompt_time + read.finish->generate_time,
            elapsed);
}

TEST(Engine, many_threads_submit_read_and_cancel) {
  const std::unique_ptr<Engine> engine = make_engine(
      {.sequences_max = 4, .cache_positions = 1024, .prompt_chunk = 16, .stream_tokens_max = 3});
  std::vector<std::thread> clients;
  for (uint64_t client = 0; client < 6; ++client) {
    clients.emplace_back([&, client] {
      for (uint64_t i = 0; i < 8; ++i) {
        const uint32_t length = static_cast<uint32_t>(1 + uniform(client, i) * 60);
        TokenStream stream = submit(*engine, make_request(length, 10, client));
        if (i % 3 == 0) {
          std::thread canceller([&] { stream.cancel(); });
          read_all(stream);
          canceller.join();
        } else if (i % 3 == 1) {
          EXPECT_EQ(read_all(stream).ids.size(), 10u);
        }  // else: it is destroyed unread
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(becomes_idle(*engine));
  EXPECT_EQ(engine->stats().requests, 48u);
}

}  // namespace
}  // namespace sotto::engine

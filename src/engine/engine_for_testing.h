// Engines on the tiny model, and reading all that they deliver, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/tiny_model_for_testing.h"

namespace sotto::engine {

using Tiny = TinyModelForTesting;

// One model for all tests; every engine is gone before the next one begins.
inline model::Model& tiny() {
  static Tiny tiny;
  return tiny.model();
}

inline std::unique_ptr<Engine> make_engine(const EngineOptions& options) {
  auto engine = Engine::create(tiny(), options);
  EXPECT_TRUE(engine.has_value()) << engine.error().message;
  return std::move(*engine);
}

inline std::vector<TokenId> make_prompt(uint32_t length, uint64_t seed) {
  std::vector<TokenId> prompt(length);
  for (uint32_t i = 0; i < length; ++i) {
    prompt[i] = static_cast<TokenId>(uniform(seed, i) * (Tiny::kVocabulary - 1));
  }
  return prompt;
}

// The poisoned token is never generated.
inline Request make_request(uint32_t prompt_tokens, uint32_t tokens_max, uint64_t seed = 1) {
  Request request;
  request.prompt = make_prompt(prompt_tokens, seed);
  request.tokens_max = tokens_max;
  request.sampling.temperature = 1;
  request.sampling.seed = seed;
  request.sampling.logit_bias = {{Tiny::kPoison, -100}};
  return request;
}

inline TokenStream submit(Engine& engine, Request request) {
  Result<TokenStream> stream = engine.submit(std::move(request));
  EXPECT_TRUE(stream.has_value()) << stream.error().message;
  return std::move(*stream);
}

struct Read {
  std::vector<TokenId> ids;
  std::vector<float> logprobs;
  std::vector<std::pair<TokenId, float>> alternatives;
  uint32_t cached_tokens = 0;
  std::optional<Finish> finish;
  std::optional<Error> error;
};

// Everything until the end.
inline Read read_all(TokenStream& stream) {
  Read read;
  for (;;) {
    Result<std::optional<Sampled>> token = stream.next();
    if (!token) read.error = token.error();
    if (!token || !token->has_value()) break;
    read.ids.push_back((*token)->id);
    read.logprobs.push_back((*token)->logprob);
    for (const TokenLogprob& top : (*token)->top) {
      read.alternatives.emplace_back(top.id, top.logprob);
    }
  }
  read.cached_tokens = stream.cached_tokens();
  read.finish = stream.finish();
  return read;
}

// A request's answer with nothing else running; there must be no other engine.
inline Read answer_alone(const Request& request) {
  const std::unique_ptr<Engine> engine = make_engine({.prompt_chunk = 400});
  TokenStream stream = submit(*engine, request);
  return read_all(stream);
}

inline bool comes_true(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

inline bool becomes_idle(const Engine& engine) {
  return comes_true([&] {
    const EngineStats stats = engine.stats();
    return stats.running == 0 && stats.waiting == 0 &&
           stats.pages_free + stats.pages_cached == stats.pages;
  });
}

}  // namespace sotto::engine

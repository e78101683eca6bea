// What guessing ahead does to speed: the same answers with it and without, in turn.
// SPDX-License-Identifier: Apache-2.0
//
// SOTTO_SPECULATION_BENCH_MODEL names a GGUF file (default: a tiny model made in memory),
// SOTTO_SPECULATION_BENCH_TOKENS how long an answer is (default 48).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/threads.h"
#include "engine/engine.h"
#include "engine/philox.h"
#include "engine/tiny_model_for_testing.h"

namespace {

using namespace sotto;
using engine::uniform;
using Tiny = engine::TinyModelForTesting;

constexpr uint32_t kSequencesMax = 16;
constexpr uint32_t kPrompt = 64;

model::ForwardLimits limits() {
  return {.batch_tokens_max = 256 + kSequencesMax, .logit_rows_max = 64};
}

// The model of all cases.
class BenchModel {
 public:
  BenchModel() : pool_(processors_available()) {
    const char* path = std::getenv("SOTTO_SPECULATION_BENCH_MODEL");
    if (path == nullptr) {
      tiny_ = std::make_unique<Tiny>(1, limits());
      return;
    }
    const auto source = gguf::Source::open(path);
    CHECK(source.has_value());
    auto loaded = model::Model::load(*source, limits(), pool_, {});
    CHECK(loaded.has_value());
    loaded_ = std::move(*loaded);
  }
  model::Model& operator*() { return tiny_ ? tiny_->model() : *loaded_; }

 private:
  ThreadPool pool_;
  std::unique_ptr<Tiny> tiny_;
  std::unique_ptr<model::Model> loaded_;
};

model::Model& bench_model() {
  static BenchModel model;
  return *model;
}

uint32_t answer_tokens() {
  const char* wanted = std::getenv("SOTTO_SPECULATION_BENCH_TOKENS");
  return wanted == nullptr ? 48 : static_cast<uint32_t>(std::max(2, std::atoi(wanted)));
}

// A kind of answer.
struct Text {
  float temperature;
  uint32_t
      likely_tokens;  // so many are all but certain, each like the others; 0: as the model says
};

engine::Request make_request(const Text& text, uint64_t seed) {
  const uint32_t vocabulary = bench_model().shape().vocabulary;
  const auto token = [&](uint64_t of, uint64_t index) {
    return static_cast<TokenId>(uniform(of, index) * (vocabulary - 1));
  };
  engine::Request request;
  for (uint32_t i = 0; i < kPrompt; ++i) request.prompt.push_back(token(seed, i));
  request.tokens_max = answer_tokens();
  request.sampling.temperature = text.temperature;
  request.sampling.seed = seed;
  request.sampling.logit_bias = {{static_cast<TokenId>(vocabulary - 1), -100.0f}};
  for (uint32_t i = 0; i < text.likely_tokens; ++i) {
    request.sampling.logit_bias.emplace_back(token(0, i), 100.0f);
  }
  return request;
}

std::unique_ptr<engine::Engine> make_engine(engine::Speculation speculation) {
  engine::EngineOptions options{.sequences_max = kSequencesMax};
  options.context = kPrompt + answer_tokens();
  options.cache_positions = kSequencesMax * ((options.context + 127) / 128 * 128);
  options.stream_tokens_max = options.context;
  options.speculation = speculation;
  auto engine = engine::Engine::create(bench_model(), options);
  CHECK(engine.has_value());
  return std::move(*engine);
}

// Reads the answers to requests that run together; gives tokens/s after the first token of each.
double generate_rate(engine::Engine& engine, const Text& text, uint32_t parallel, uint64_t seed,
                     std::vector<TokenId>& answers) {
  std::vector<engine::TokenStream> streams;
  for (uint32_t i = 0; i < parallel; ++i) {
    auto stream = engine.submit(make_request(text, seed * kSequencesMax + i));
    CHECK(stream.has_value());
    streams.push_back(std::move(*stream));
  }
  double seconds = 0;
  double tokens = 0;
  for (engine::TokenStream& stream : streams) {
    for (;;) {
      auto next = stream.next();
      CHECK(next.has_value());
      if (!next->has_value()) break;
      answers.push_back((*next)->id);
    }
    seconds += std::chrono::duration<double>(stream.finish()->generate_time).count();
    tokens += stream.finish()->generated_tokens - 1;
  }
  return tokens * parallel / seconds;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// An iteration is an answer without and the same one with speculation, which go first in turn.
void speculate(benchmark::State& state, const Text& text) {
  const auto parallel = static_cast<uint32_t>(state.range(0));
  const auto plain = make_engine(engine::Speculation::off);
  const auto guessing = make_engine(engine::Speculation::automatic);
  std::vector<double> plain_rates, guessing_rates, ratios;
  uint64_t seed = 1;
  std::vector<TokenId> unread;
  for (const auto& engine : {plain.get(), guessing.get()}) {  // warm up
    generate_rate(*engine, {1.0f, 0}, parallel, 0, unread);
  }
  for (auto _ : state) {
    std::vector<TokenId> plain_answers, guessing_answers;
    double rate = 0;
    const auto guess = [&] {
      rate = generate_rate(*guessing, text, parallel, seed, guessing_answers);
    };
    if (seed % 2 == 0) guess();
    plain_rates.push_back(generate_rate(*plain, text, parallel, seed, plain_answers));
    if (seed % 2 != 0) guess();
    guessing_rates.push_back(rate);
    ratios.push_back(rate / plain_rates.back());
    CHECK(plain_answers == guessing_answers);
    ++seed;
  }
  const engine::EngineStats stats = guessing->stats();
  const auto generated = static_cast<double>(stats.generated_tokens);
  state.counters["off_tok/s"] = median(plain_rates);
  state.counters["on_tok/s"] = median(guessing_rates);
  state.counters["ratio"] = median(ratios);
  // Where other programs disturb, the best of each says more.
  state.counters["ratio_of_best"] =
      std::ranges::max(guessing_rates) / std::ranges::max(plain_rates);
  state.counters["drafted"] = static_cast<double>(stats.drafted_tokens) / generated;
  state.counters["accepted"] = static_cast<double>(stats.accepted_tokens) / generated;
}

// What a model with made-up weights says by itself: unforeseeable when sampled, often a loop when
// greedy. One certain token is the most that can be gained; a few equally likely ones are guessed
// again and again, mostly wrongly, which is the worst that can happen.
void all_cases(benchmark::internal::Benchmark* bench) {
  bench->Arg(1)->Arg(4)->Arg(16)->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(speculate, sampled, Text{1.0f, 0})->Apply(all_cases);
BENCHMARK_CAPTURE(speculate, greedy, Text{0.0f, 0})->Apply(all_cases);
BENCHMARK_CAPTURE(speculate, one_certain, Text{1.0f, 1})->Apply(all_cases);
BENCHMARK_CAPTURE(speculate, two_likely, Text{5.0f, 2})->Apply(all_cases);
BENCHMARK_CAPTURE(speculate, eight_likely, Text{5.0f, 8})->Apply(all_cases);

}  // namespace

BENCHMARK_MAIN();

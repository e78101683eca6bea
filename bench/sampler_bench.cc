// How long it takes to choose a token from a large vocabulary's logits.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "engine/philox.h"
#include "engine/sampler.h"

namespace {

using sotto::engine::Distribution;
using sotto::engine::Sampler;
using sotto::engine::SamplingParams;

constexpr uint32_t kVocabulary = 151'936;  // Qwen 2's

// A hill of unlikely tokens with a handful of likely ones, as models give; `spread` 0 is flat.
std::vector<float> make_logits(float spread) {
  std::vector<float> logits(kVocabulary);
  for (size_t i = 0; i < logits.size(); ++i) {
    double sum = 0;
    for (uint64_t j = 0; j < 4; ++j) sum += sotto::engine::uniform(1, 4 * i + j) - 0.5;
    logits[i] = static_cast<float>(sum) * spread;
  }
  return logits;
}

void sample(benchmark::State& state, const SamplingParams& params, float spread) {
  const std::vector<float> logits = make_logits(spread);
  Distribution distribution;
  Sampler sampler(params, kVocabulary, 1 << 20);
  // The hash shows that the work was done, and that it is the same on every machine.
  uint64_t hash = 0xcbf29ce484222325;
  for (auto _ : state) {
    const auto sampled = sampler.sample(logits, distribution);
    CHECK(sampled.has_value());
    hash = (hash ^ static_cast<uint64_t>(sampled->id)) * 0x100000001b3;
  }
  benchmark::DoNotOptimize(hash);
}

SamplingParams with(float temperature, uint32_t top_k, float top_p, float min_p) {
  SamplingParams params;
  params.temperature = temperature;
  params.top_k = top_k;
  params.top_p = top_p;
  params.min_p = min_p;
  return params;
}

SamplingParams with_penalties() {
  SamplingParams params = with(0.6f, 0, 0.95f, 0);
  params.repetition_penalty = 1.1f;
  params.frequency_penalty = 0.5f;
  return params;
}

SamplingParams with_logprobs() {
  SamplingParams params = with(0.6f, 0, 0.95f, 0);
  params.logprobs = true;
  params.top_logprobs = 20;
  return params;
}

constexpr float kPeaked = 20;

BENCHMARK_CAPTURE(sample, greedy, with(0, 0, 1, 0), kPeaked)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, top_p, with(0.6f, 0, 0.95f, 0), kPeaked)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, top_k, with(0.6f, 40, 0.95f, 0), kPeaked)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, min_p, with(0.6f, 0, 1, 0.05f), kPeaked)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, unfiltered, with(1, 0, 1, 0), kPeaked)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, flat, with(5, 0, 0.95f, 0), 1.0f)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, penalties, with_penalties(), kPeaked)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(sample, logprobs, with_logprobs(), kPeaked)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();

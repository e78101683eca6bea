// The two phases of an answer, timed apart.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/bench_measure.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/sampler.h"

namespace sotto::cmd {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One sequence with its prompt and its sampler.
struct Lane {
  model::Sequence sequence;
  std::vector<TokenId> prompt;
  engine::Sampler sampler;
  TokenId next;
};

// Token ids that are spread over the vocabulary, the same on every machine.
std::vector<TokenId> made_up_prompt(uint32_t lane, uint32_t count, uint32_t vocabulary) {
  std::vector<TokenId> ids(count);
  uint64_t state = 0x9E3779B97F4A7C15u * (lane + 1);
  for (TokenId& id : ids) {
    state = state * 6364136223846793005u + 1442695040888963407u;  // Knuth's MMIX
    id = static_cast<TokenId>((state >> 33) % vocabulary);
  }
  return ids;
}

// Sums up what happened, so that a bar over all runs can be shown.
class Steps {
 public:
  Steps(const Progress& progress, uint64_t total) : progress_(progress), total_(total) {}
  void add(uint64_t count) {
    done_ += count;
    if (progress_) progress_(done_, total_);
  }

 private:
  const Progress& progress_;
  uint64_t done_ = 0;
  uint64_t total_;
};

// Fills every lane's cache with its prompt, in as large batches as the model takes; each lane's
// first token is sampled.
Result<void> read_prompts(model::Model& model, std::vector<Lane>& lanes,
                          engine::Distribution& distribution, Steps& steps) {
  const uint32_t batch_max = model.limits().batch_tokens_max;
  for (Lane& lane : lanes) {
    std::span<const TokenId> left = lane.prompt;
    while (!left.empty()) {
      const size_t count = std::min<size_t>(left.size(), batch_max);
      const bool last = count == left.size();
      const model::BatchPart part{&lane.sequence, left.first(count),
                                  last ? model::Want::last : model::Want::none};
      const model::Logits logits = TRY(model.forward({&part, 1}));
      if (last) lane.next = TRY(lane.sampler.sample(logits.row(0), distribution)).id;
      left = left.subspan(count);
      steps.add(count);
    }
  }
  return {};
}

// One token of every lane per step, all lanes in one batch.
Result<void> generate(model::Model& model, std::vector<Lane>& lanes, uint32_t count,
                      engine::Distribution& distribution, std::vector<TokenId>& out, Steps& steps) {
  std::vector<model::BatchPart> batch(lanes.size());
  for (uint32_t step = 0; step < count; ++step) {
    for (size_t index = 0; index < lanes.size(); ++index) {
      Lane& lane = lanes[index];
      batch[index] = {&lane.sequence, {&lane.next, 1}, model::Want::last};
    }
    const model::Logits logits = TRY(model.forward(batch));
    for (uint32_t index = 0; index < lanes.size(); ++index) {
      lanes[index].next = TRY(lanes[index].sampler.sample(logits.row(index), distribution)).id;
      out.push_back(lanes[index].next);
    }
    steps.add(lanes.size());
  }
  return {};
}

std::string hash_of(const std::vector<TokenId>& ids) {
  uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
  for (const TokenId id : ids) {
    hash = (hash ^ static_cast<uint32_t>(id)) * 0x100000001B3u;
  }
  return fmt::format("{:016x}", hash);
}

Result<std::vector<Lane>> make_lanes(const model::Model& model, model::KvCache& cache,
                                     const BenchLoad& load) {
  std::vector<Lane> lanes;
  engine::SamplingParams greedy;
  greedy.temperature = 0;
  const uint32_t vocabulary = model.shape().vocabulary;
  for (uint32_t index = 0; index < load.parallel; ++index) {
    lanes.push_back({TRY(cache.reserve(load.positions())),
                     made_up_prompt(index, load.prompt, vocabulary),
                     engine::Sampler(greedy, vocabulary, load.positions()),
                     static_cast<TokenId>(index % vocabulary)});
  }
  return lanes;
}

}  // namespace

double median(std::vector<double> values) {
  CHECK(!values.empty());
  std::ranges::sort(values);
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

Result<BenchRunner> BenchRunner::create(model::Model& model, const BenchLoad& load) {
  const uint32_t context = model.shape().context_max;
  if (load.positions() > context) {
    return fail(ErrorKind::exhausted, "{} prompt and {} generated tokens exceed the context of {}",
                load.prompt, load.generate, context);
  }
  const uint64_t pages = (uint64_t{load.positions()} + model::kPagePositions - 1) /
                         model::kPagePositions * load.parallel;
  return BenchRunner(
      model, load,
      TRY(model::KvCache::create(model.kv_layout(load.kv_type), pages * model::kPagePositions)));
}

Result<BenchTimes> BenchRunner::run(const Progress& progress) {
  std::vector<TokenId> generated;
  engine::Distribution distribution;
  Steps steps(progress, tokens());
  std::vector<Lane> lanes = TRY(make_lanes(model_, *cache_, load_));
  BenchTimes times;
  const Clock::time_point start = Clock::now();
  TRY(read_prompts(model_, lanes, distribution, steps));
  times.prompt_seconds = seconds_since(start);
  const Clock::time_point middle = Clock::now();
  TRY(generate(model_, lanes, load_.generate, distribution, generated, steps));
  times.generate_seconds = seconds_since(middle);
  times.hash = hash_of(generated);
  return times;
}

}  // namespace sotto::cmd

// Timing a model on a made-up prompt: how fast it reads one, and how fast it answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "model/model.h"

namespace sotto::cmd {

struct BenchLoad {
  uint32_t prompt = 512;    // tokens of each sequence's prompt; 0: start from one token
  uint32_t generate = 128;  // tokens that each sequence generates; 0: the prompt only
  uint32_t parallel = 1;    // sequences, decoded together in one batch
  uint32_t repeat = 1;      // the medians of this many runs are reported
  model::KvType kv_type = model::KvType::F16;

  uint32_t positions() const { return (prompt == 0 ? 1 : prompt) + generate; }
};

struct BenchTimes {
  double prompt_seconds = 0;    // of all sequences together
  double generate_seconds = 0;  // of all steps, sampling included
  // Of the generated token ids: equal on every machine and for any number of threads, and the proof
  // that the work was done.
  std::string hash;
};

// One model under one load, to be run as often as wanted. The model must outlive it.
class BenchRunner {
 public:
  // `exhausted` when the load does not fit the model's context or the machine's memory.
  static Result<BenchRunner> create(model::Model& model, const BenchLoad& load);

  // Every run does the same. `progress` counts tokens of this run.
  Result<BenchTimes> run(const Progress& progress);

  uint64_t kv_bytes() const { return cache_->bytes(); }
  uint64_t tokens() const { return (uint64_t{load_.prompt} + load_.generate) * load_.parallel; }

 private:
  BenchRunner(model::Model& model, const BenchLoad& load, std::unique_ptr<model::KvCache> cache)
      : model_(model), load_(load), cache_(std::move(cache)) {}

  model::Model& model_;
  BenchLoad load_;
  std::unique_ptr<model::KvCache> cache_;
};

// At least one value; of an even number the mean of the middle two.
double median(std::vector<double> values);

}  // namespace sotto::cmd

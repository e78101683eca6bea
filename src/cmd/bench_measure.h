// Timing a model on a made-up prompt: how fast it reads one, and how fast it answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

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
  uint64_t kv_bytes = 0;
  // Of the generated token ids: equal on every machine and for any number of threads, and the proof
  // that the work was done.
  std::string hash;
};

// `exhausted` when the load does not fit the model's context or the machine's memory.
Result<BenchTimes> measure_model(model::Model& model, const BenchLoad& load,
                                 const Progress& progress);

}  // namespace sotto::cmd

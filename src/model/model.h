// A model in memory: forward(batch) -> logits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/threads.h"
#include "base/token.h"
#include "gguf/load.h"
#include "model/kv_cache.h"
#include "model/shape.h"

namespace sotto::model {

// Which rows of logits a forward pass should give for one sequence of the batch.
enum class Want { none, last, all };

// Some tokens of one sequence, to be appended at its present length. A sequence stands in at most one
// part of a batch.
struct BatchPart {
  Sequence* sequence;
  std::span<const TokenId> tokens;
  Want want = Want::last;
  // Where there is one, of the model's width: each token's last hidden state, normed, is added to it
  // in the tokens' order.
  double* state_sum = nullptr;
};

// Rows of `vocabulary` floats, in the order of the parts and of the tokens within them. Valid until
// the next forward().
struct Logits {
  const float* data = nullptr;
  uint32_t rows = 0;
  uint32_t vocabulary = 0;
  uint64_t stride = 0;  // floats from one row to the next
  std::span<const float> row(uint32_t index) const { return {data + index * stride, vocabulary}; }
};

struct ForwardLimits {
  uint32_t batch_tokens_max = 512;  // tokens of all parts of one forward pass together
  uint32_t logit_rows_max = 64;
};

// The weights are const after loading. forward() is for one thread at a time, the one that owns the
// engine; it uses the pool given to it and allocates nothing.
class Model {
 public:
  // Reads, hashes and packs the weights. Every tensor's type, shape and presence is checked first;
  // `unsupported` names an architecture, type or scaling that is not known.
  static Result<std::unique_ptr<Model>> load(const gguf::Source& source,
                                             const ForwardLimits& limits, ThreadPool& pool,
                                             const Progress& progress);
  // A model of this description with made-up weights, for measuring a machine.
  static Result<std::unique_ptr<Model>> synthetic(const gguf::Description& description,
                                                  const ForwardLimits& limits, ThreadPool& pool);
  ~Model();

  const Shape& shape() const;
  const ForwardLimits& limits() const;
  const char* isa() const;                      // the kernels in use: "scalar", "avx512"
  const gguf::ModelIdentity& identity() const;  // all zero for a synthetic model
  uint64_t weight_bytes() const;                // as packed in memory
  uint64_t weight_bytes_per_token() const;      // those that decoding one token has to read
  KvLayout kv_layout(KvType type) const;

  // Appends each part's tokens to its sequence and computes the wanted logits. `malformed` for a
  // token id outside the vocabulary, `exhausted` when the batch, the sequence's reserved length or
  // the model's context would be exceeded; in both cases nothing has changed.
  Result<Logits> forward(std::span<const BatchPart> batch);

  struct Impl;

 private:
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sotto::model

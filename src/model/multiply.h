// Matrix products: how their rows are split over threads and memory nodes, and what happens when
// the system takes a thread away in the middle of one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "model/split.h"

namespace sotto::model {

using kernels::Matrix;

// Rows of floats, one per token, `stride` floats apart, of which `width` count.
struct Rows {
  float* data = nullptr;
  uint64_t stride = 0;
  uint32_t width = 0;
  float* row(uint32_t token) const { return data + token * stride; }
  // The columns [begin, begin + count) of the same rows; of no rows, while sizes are only counted.
  Rows columns(uint32_t begin, uint32_t count) const {
    return {data == nullptr ? nullptr : data + begin, stride, count};
  }
};

// One matrix product among several that share their input.
struct Product {
  const Matrix& matrix;
  Rows output;
};

// Runs products on a pool. With few tokens (decoding) a chunk that is late is computed a second
// time: its thread may then read weights and input for a while after multiply() has returned, so
// inputs are copied, and the destructor waits for it. Weights must outlive this object.
class Multiplier {
 public:
  struct Limits {
    uint32_t tokens;   // of one product
    uint32_t columns;  // of its input
    uint32_t rows;     // of all outputs of one multiply() together
  };
  static Result<std::unique_ptr<Multiplier>> create(const kernels::Kernels& kernels,
                                                    ThreadPool& pool, const Limits& limits);
  ~Multiplier();
  Multiplier(const Multiplier&) = delete;
  Multiplier& operator=(const Multiplier&) = delete;

  // output = matrix times input, for the first `tokens` rows; at most kProductsMax products. Each row
  // of the input is made by `make_row` on some thread, just before it is used and still in its caches.
  void multiply(std::span<const Product> products, const Rows& input, uint32_t tokens,
                FunctionRef<void(uint32_t token)> make_row);
  void multiply(std::span<const Product> products, const Rows& input, uint32_t tokens) {
    multiply(products, input, tokens, [](uint32_t) {});
  }

 private:
  class Loop;
  Multiplier(const kernels::Kernels& kernels, ThreadPool& pool, const Limits& limits);

  using MakeRow = FunctionRef<void(uint32_t token)>;
  kernels::Activations prepare(const Rows& input, uint32_t tokens, uint32_t block, MakeRow make_row,
                               uint8_t* memory, bool copy);
  bool run(std::span<const Product> products, const Rows& input, uint32_t tokens, uint32_t block,
           MakeRow make_row);

  const kernels::Kernels& kernels_;
  ThreadPool& pool_;
  Limits limits_;
  Memory memory_;
  uint8_t* input_ = nullptr;                  // of a loop that waits for all its threads
  std::vector<std::unique_ptr<Loop>> loops_;  // by the pool's slots, each with its own input
  uint64_t chunk_floats_ = 0;                 // that a thread has room for
  std::vector<float*> outputs_;               // per thread, of the chunk that it computes
};

}  // namespace sotto::model

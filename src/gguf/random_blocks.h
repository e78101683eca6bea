// Made-up weights with plausible scales, so that a machine can be measured without a real model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "gguf/types.h"

namespace sotto::gguf {

// Rows of a made-up matrix before they repeat: only the bits' look matters, and random bits take time.
inline constexpr uint64_t kRandomRowsDistinct = 64;

// Fills matrices with weights that look like trained ones to arithmetic: all bits of a block are
// random, all scales finite, and the weights of a row of n columns deviate by about 1 / sqrt(n), so
// that activations neither grow nor vanish. The same on every machine; no secret depends on it.
class RandomBlocks {
 public:
  // `elements` weights (whole blocks) of rows of `columns`, to `out`.
  void fill(TensorType type, uint64_t columns, uint64_t elements, uint8_t* out);

 private:
  // xorshift64*: fast bits without structure.
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  void fill_number(TensorType type, float deviation, uint8_t* number);
  void fill_block(TensorType type, float deviation, uint8_t* block);

  uint64_t state_ = 0x9e3779b97f4a7c15;
};

}  // namespace sotto::gguf

// Rotary position embedding: the angles of each position, computed exactly the same everywhere.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "model/shape.h"

namespace sotto::model {

// Which two elements of a head turn together: neighbours (Llama's files), or i and i + width / 2.
enum class RopeStyle { neighbours, halves };

// The frequencies of a model; const after construction.
class Rope {
 public:
  Rope() = default;
  // `divisors` (width / 2 of them, or nullptr) are Llama 3's rope_freqs.
  Rope(const RopeShape& shape, const float* divisors);

  // The cosines of the width / 2 pairs at one position, then their sines: [numerics §8].
  void angles(uint32_t position, float* cos_sin) const;
  // Turns `heads` heads of `head_width` elements each, one after the other, in place.
  void rotate(RopeStyle style, const float* cos_sin, float* x, uint32_t heads,
              uint32_t head_width) const;
  uint32_t width() const { return width_; }

 private:
  uint32_t width_ = 0;
  double magnitude_ = 1.0;
  std::vector<double> frequencies_;  // radians per position
};

}  // namespace sotto::model

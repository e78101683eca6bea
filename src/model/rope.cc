// Rotary position embedding: plain, linear, YaRN, and with given divisors.
// SPDX-License-Identifier: Apache-2.0
#include "model/rope.h"

#include <algorithm>
#include <cmath>

#include "base/exact_math.h"

namespace sotto::model {
namespace {

constexpr double kPi = 3.14159265358979323846;

// The pair of elements that turns `turns` times over the original context [YaRN §3.2].
double pair_that_turns(const RopeShape& shape, double turns) {
  return shape.width * exact::log(shape.original_context / (turns * 2 * kPi)) /
         (2 * exact::log(shape.base));
}

// Turns a[i * step] with b[i * step] for every pair i; the step is known, so this becomes vectors.
template <uint32_t step>
void turn(const float* cos, const float* sin, uint32_t pairs, float* a, float* b) {
  for (uint32_t i = 0; i < pairs; ++i) {
    const float x = a[i * step], y = b[i * step];
    a[i * step] = x * cos[i] - y * sin[i];
    b[i * step] = x * sin[i] + y * cos[i];
  }
}

}  // namespace

Rope::Rope(const RopeShape& shape, const float* divisors)
    : width_(shape.width), magnitude_(shape.attention_factor), frequencies_(shape.width / 2) {
  const bool yarn = shape.scaling == RopeScaling::yarn;
  const double shrink = shape.scaling == RopeScaling::none ? 1.0 : 1.0 / shape.factor;
  double low = 0, high = 0;
  if (yarn) {
    low = std::max(0.0, std::floor(pair_that_turns(shape, shape.beta_fast)));
    high = std::min(shape.width - 1.0, std::ceil(pair_that_turns(shape, shape.beta_slow)));
    magnitude_ *= 1.0 + 0.1 * exact::log(shape.factor);
  }
  for (uint32_t pair = 0; pair < width_ / 2; ++pair) {
    double frequency = exact::pow(shape.base, -2.0 * pair / width_);
    if (divisors != nullptr) frequency /= divisors[pair];
    // YaRN: fast pairs keep their frequency, slow ones shrink, those between are mixed.
    const double slow =
        yarn ? std::clamp((pair - low) / std::max(0.001, high - low), 0.0, 1.0) : 1.0;
    frequencies_[pair] = frequency * (shrink * slow + (1.0 - slow));
  }
}

void Rope::angles(uint32_t position, float* cos_sin) const {
  const uint32_t pairs = width_ / 2;
  for (uint32_t pair = 0; pair < pairs; ++pair) {
    const double angle = position * frequencies_[pair];
    cos_sin[pair] = static_cast<float>(exact::cos(angle) * magnitude_);
    cos_sin[pairs + pair] = static_cast<float>(exact::sin(angle) * magnitude_);
  }
}

void Rope::rotate(RopeStyle style, const float* cos_sin, float* x, uint32_t heads,
                  uint32_t head_width) const {
  const uint32_t pairs = width_ / 2;
  for (uint32_t head = 0; head < heads; ++head) {
    float* at = x + uint64_t{head} * head_width;
    if (style == RopeStyle::neighbours) {
      turn<2>(cos_sin, cos_sin + pairs, pairs, at, at + 1);
    } else {
      turn<1>(cos_sin, cos_sin + pairs, pairs, at, at + pairs);
    }
  }
}

}  // namespace sotto::model

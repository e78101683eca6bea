// Attention over one page of keys and values, scalar: section 7 of the numerics contract.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <cstring>

#include "gguf/blocks.h"
#include "kernels/kernels.h"
#include "kernels/scalar_math.h"

namespace sotto::kernels {
namespace {

float half_at(const uint8_t* halves, uint64_t index) {
  uint16_t half;
  std::memcpy(&half, halves + 2 * index, 2);
  return gguf::half_to_float(half);
}

// The score of one position: a chain of multiply-adds over the key, ascending.
float score_f16(const PageView& page, const Queries& queries, uint32_t query, uint32_t position) {
  const uint32_t tile = position / kTileRows, lane = position % kTileRows;
  float score = 0;
  for (uint32_t i = 0; i < page.width; ++i) {
    const float key = half_at(page.keys, (uint64_t{tile} * page.width + i) * kTileRows + lane);
    score = std::fma(queries.values[uint64_t{query} * page.width + i], key, score);
  }
  return score;
}

// The same over int8 keys: an exact integer and one multiply-add per 32.
float score_q8(const PageView& page, const Queries& queries, uint32_t query, uint32_t position) {
  const uint32_t tile = position / kTileRows, lane = position % kTileRows;
  const uint32_t blocks = page.width / 32;
  const uint8_t* scales = page.keys + uint64_t{kPagePositions} * page.width;
  const ActivationBlock* input = queries.blocks + uint64_t{query} * activation_blocks(page.width);
  float score = 0;
  for (uint32_t b = 0; b < blocks; ++b) {
    int32_t dot = 0;
    for (uint32_t i = 32 * b; i < 32 * b + 32; ++i) {
      const uint64_t place =
          (uint64_t{tile} * page.width + i / 4 * 4) * kTileRows + 4 * lane + i % 4;
      dot += static_cast<int8_t>(page.keys[place]) * input[i / 256].quants[i % 256];
    }
    const float scale = half_at(scales, (uint64_t{tile} * blocks + b) * kTileRows + lane);
    score = std::fma(input[b / 8].scales[b % 8], scale * static_cast<float>(dot), score);
  }
  return score;
}

// outputs += weight * values[position], per element.
void add_value(const PageView& page, uint32_t position, float weight, float* outputs) {
  const uint64_t first = uint64_t{position} * page.value_width;
  if (page.type == KvType::F16) {
    for (uint32_t i = 0; i < page.value_width; ++i) {
      outputs[i] = std::fma(weight, half_at(page.values, first + i), outputs[i]);
    }
    return;
  }
  const uint8_t* scales = page.values + uint64_t{kPagePositions} * page.value_width;
  for (uint32_t i = 0; i < page.value_width; ++i) {
    const float scaled = weight * half_at(scales, uint64_t{i / 32} * kPagePositions + position);
    const float value = static_cast<float>(static_cast<int8_t>(page.values[first + i]));
    outputs[i] = std::fma(scaled, value, outputs[i]);
  }
}

void attend(const PageView& page, const Queries& queries, const Partials& out) {
  for (uint32_t query = 0; query < queries.count; ++query) {
    const uint32_t visible = queries.visible[query];
    float scores[kPagePositions];
    float largest = 0;
    for (uint32_t position = 0; position < visible; ++position) {
      float score = page.type == KvType::F16 ? score_f16(page, queries, query, position)
                                             : score_q8(page, queries, query, position);
      if (queries.slopes != nullptr) {
        const int32_t distance = static_cast<int32_t>(position) - queries.offsets[query];
        score = std::fma(queries.slopes[query], static_cast<float>(distance), score);
      }
      scores[position] = score;
      largest = position == 0 || score > largest ? score : largest;
    }
    float lanes[16] = {};
    float* outputs = out.outputs + uint64_t{query} * page.value_width;
    for (uint32_t i = 0; i < page.value_width; ++i) outputs[i] = 0;
    for (uint32_t position = 0; position < visible; ++position) {
      const float weight = exp_reference(scores[position] - largest);
      lanes[position % 16] += weight;
      add_value(page, position, weight, outputs);
    }
    out.largest[query] = largest;
    out.sums[query] = tree_sum(lanes);
  }
}

void merge(uint32_t count, uint32_t value_width, const Partials& into, const Partials& next) {
  for (uint32_t query = 0; query < count; ++query) {
    const float before = into.largest[query], after = next.largest[query];
    const float largest = after > before ? after : before;
    const float keep = exp_reference(before - largest), add = exp_reference(after - largest);
    into.largest[query] = largest;
    into.sums[query] = std::fma(into.sums[query], keep, next.sums[query] * add);
    for (uint64_t i = uint64_t{query} * value_width; i < uint64_t{query + 1} * value_width; ++i) {
      into.outputs[i] = std::fma(into.outputs[i], keep, next.outputs[i] * add);
    }
  }
}

}  // namespace

void add_scalar_attention(Kernels& kernels) {
  kernels.attend = attend;
  kernels.merge = merge;
}

}  // namespace sotto::kernels

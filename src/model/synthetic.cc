// Made-up weights with plausible scales, so that a machine can be measured without a file.
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "gguf/blocks.h"
#include "kernels/layout.h"
#include "model/weights.h"

namespace sotto::model {
namespace {

using gguf::TensorType;

// Where the half-precision scales stand in a block; -1 where there is no second one.
struct ScaleOffsets {
  TensorType type;
  int first, second;
};
constexpr ScaleOffsets kScaleOffsets[] = {
    {TensorType::Q4_0, 0, -1},    {TensorType::Q4_1, 0, 2},     {TensorType::Q5_0, 0, -1},
    {TensorType::Q5_1, 0, 2},     {TensorType::Q8_0, 0, -1},    {TensorType::Q2_K, 80, 82},
    {TensorType::Q3_K, 108, -1},  {TensorType::Q4_K, 0, 2},     {TensorType::Q5_K, 0, 2},
    {TensorType::Q6_K, 208, -1},  {TensorType::IQ2_XXS, 0, -1}, {TensorType::IQ2_XS, 0, -1},
    {TensorType::IQ3_XXS, 0, -1}, {TensorType::IQ1_S, 0, -1},   {TensorType::IQ4_NL, 0, -1},
    {TensorType::IQ3_S, 0, -1},   {TensorType::IQ2_S, 0, -1},   {TensorType::IQ4_XS, 0, -1},
    {TensorType::TQ1_0, 52, -1},  {TensorType::TQ2_0, 64, -1},
};

// xorshift64*: fast bits without structure; no secret depends on them.
class Bits {
 public:
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  float between(float low, float high) {
    return low + (high - low) * static_cast<float>(next() >> 40) / static_cast<float>(1 << 24);
  }

 private:
  uint64_t state_ = 0x9e3779b97f4a7c15;
};

// One block whose weights have about the given deviation.
Result<void> random_block(TensorType type, float deviation, Bits& bits, uint8_t* block) {
  const gguf::TypeTraits& traits = gguf::traits(type);
  if (traits.block_elements == 1) {
    const float value = bits.between(-1.7f * deviation, 1.7f * deviation);
    const uint32_t raw = std::bit_cast<uint32_t>(value);
    const uint16_t half =
        type == TensorType::F16 ? gguf::float_to_half(value) : gguf::float_to_bfloat16(value);
    std::memcpy(block, type == TensorType::F32 ? static_cast<const void*>(&raw) : &half,
                traits.block_bytes);
    return {};
  }
  for (uint32_t i = 0; i < traits.block_bytes; ++i)
    block[i] = static_cast<uint8_t>(bits.next() >> 56);
  for (const ScaleOffsets& offsets : kScaleOffsets) {
    if (offsets.type != type) continue;
    // With scale 1 first, to see how large this block's integers are.
    const uint16_t one = gguf::float_to_half(1.0f), zero = 0;
    std::memcpy(block + offsets.first, &one, 2);
    if (offsets.second >= 0) std::memcpy(block + offsets.second, &zero, 2);
    std::vector<float> values(traits.block_elements);
    gguf::dequantize(type, block, traits.block_elements, values.data());
    float squares = 0;
    for (float value : values) squares += value * value;
    const uint16_t scale = gguf::float_to_half(
        deviation / std::sqrt(squares / static_cast<float>(traits.block_elements) + 1e-6f));
    std::memcpy(block + offsets.first, &scale, 2);
    return {};
  }
  return fail(ErrorKind::unsupported, "made-up weights of type {} are not supported", traits.name);
}

}  // namespace

Result<void> Weights::fill_random() {
  constexpr uint64_t kDistinctGroups = 4;  // the rest repeat them: only the bits' look matters
  Bits bits;
  for (const auto& [name, item] : items_) {
    uint8_t* memory = memory_.data() + item.offset;
    if (item.vector != nullptr) {
      const float value = name.ends_with(".bias") ? 0.0f : 1.0f;
      for (uint64_t i = 0; i < item.tensor->elements(); ++i) {
        reinterpret_cast<float*>(memory)[i] = value;
      }
      continue;
    }
    const Matrix& matrix = *item.matrix;
    const gguf::TypeTraits& type = gguf::traits(matrix.type);
    const uint64_t blocks = matrix.columns / type.block_elements;
    std::vector<uint8_t> rows(kernels::kGroupRows * blocks * type.block_bytes);
    const float deviation = 1.0f / std::sqrt(static_cast<float>(matrix.columns));
    for (uint64_t group = 0; group < matrix.groups(); ++group) {
      uint8_t* at = memory + group * matrix.group_bytes;
      if (group >= kDistinctGroups) {
        std::memcpy(at, memory + group % kDistinctGroups * matrix.group_bytes, matrix.group_bytes);
        continue;
      }
      for (uint64_t b = 0; b < kernels::kGroupRows * blocks; ++b) {
        TRY(random_block(matrix.type, deviation, bits, rows.data() + b * type.block_bytes));
      }
      kernels::pack_group(matrix.type, matrix.columns, rows.data(), kernels::kGroupRows, at);
    }
  }
  return {};
}

}  // namespace sotto::model

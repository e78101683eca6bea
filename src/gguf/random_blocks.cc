// Random bits, then the scale that gives the block the wanted deviation.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/random_blocks.h"

#include <cmath>
#include <cstring>

#include "base/check.h"
#include "gguf/blocks.h"

namespace sotto::gguf {
namespace {

// Where the half-precision scales stand in a block; -1 where there is no second one. IQ1_M keeps
// its one scale in four pieces.
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

// The four top nibbles of IQ1_M's sub-block scales are its scale, lowest nibble first.
void set_iq1_m_scale(uint16_t scale, uint8_t* block) {
  constexpr int kSubScales = 48;
  for (int i = 0; i < 4; ++i) {
    uint8_t& high = block[kSubScales + 2 * i + 1];
    high = static_cast<uint8_t>((high & 0x0f) | ((scale >> (4 * i) & 0x0f) << 4));
  }
}

// TQ2_0 has three values; nobody writes its fourth code.
void clear_threes(uint8_t* block) {
  constexpr int kCodeBytes = 64;
  for (int i = 0; i < kCodeBytes; ++i) {
    block[i] = static_cast<uint8_t>(block[i] & ~(block[i] << 1 & block[i] & 0xaa));
  }
}

void set_scales(TensorType type, uint16_t scale, uint16_t min_scale, uint8_t* block) {
  if (type == TensorType::IQ1_M) return set_iq1_m_scale(scale, block);
  for (const ScaleOffsets& offsets : kScaleOffsets) {
    if (offsets.type != type) continue;
    std::memcpy(block + offsets.first, &scale, sizeof scale);
    if (offsets.second >= 0) std::memcpy(block + offsets.second, &min_scale, sizeof min_scale);
    return;
  }
  CHECK(false);  // a format that the table above lacks
}

// The deviation from their mean of the block's integers, and the minima's part that centres them.
struct Integers {
  float deviation;
  float min_scale;  // in units of the scale
};

Integers measure(TensorType type, const uint8_t* block) {
  IntegerBlock decoded;
  decode_block(type, block, decoded);
  const uint32_t count = traits(type).block_elements;
  float sum = 0, min_sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    sum += decoded.scale * decoded.weight[i];
    min_sum += decoded.min_scale * decoded.min[i / 16];
  }
  const float min_scale = min_sum != 0 ? sum / min_sum : 0;
  float squares = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const float weight =
        decoded.scale * decoded.weight[i] - min_scale * decoded.min_scale * decoded.min[i / 16];
    squares += weight * weight;
  }
  return {std::sqrt(squares / static_cast<float>(count)), min_scale};
}

}  // namespace

void RandomBlocks::fill_number(TensorType type, float deviation, uint8_t* number) {
  const float unit = static_cast<float>(next() >> 40) / static_cast<float>(1 << 24);
  const float value = 1.7320508f * deviation * (2 * unit - 1);  // evenly spread
  const uint16_t half = type == TensorType::F16 ? float_to_half(value) : float_to_bfloat16(value);
  const void* from = type == TensorType::F32 ? static_cast<const void*>(&value) : &half;
  std::memcpy(number, from, traits(type).block_bytes);
}

void RandomBlocks::fill_block(TensorType type, float deviation, uint8_t* block) {
  for (uint32_t i = 0; i < traits(type).block_bytes; ++i) {
    block[i] = static_cast<uint8_t>(next() >> 56);
  }
  if (type == TensorType::TQ2_0) clear_threes(block);
  // With scales of 1 first, to see how large this block's integers are.
  const uint16_t one = float_to_half(1);
  set_scales(type, one, one, block);
  const Integers integers = measure(type, block);
  const float scale = integers.deviation > 0 ? deviation / integers.deviation : 0;
  set_scales(type, float_to_half(scale), float_to_half(scale * integers.min_scale), block);
}

void RandomBlocks::fill(TensorType type, uint64_t columns, uint64_t elements, uint8_t* out) {
  const TypeTraits& format = traits(type);
  CHECK(elements % format.block_elements == 0);
  const float deviation = 1 / std::sqrt(static_cast<float>(columns));
  for (uint64_t block = 0; block < elements / format.block_elements; ++block) {
    uint8_t* at = out + block * format.block_bytes;
    format.block_elements == 1 ? fill_number(type, deviation, at) : fill_block(type, deviation, at);
  }
}

}  // namespace sotto::gguf

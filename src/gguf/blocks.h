// Block formats: how a group of quantised weights stands in a file, decoded to exact integers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "gguf/types.h"

namespace sotto::gguf {

// IEEE 754 half precision and bfloat16, exact.
float half_to_float(uint16_t half);
uint16_t float_to_half(float value);  // round to nearest even; overflow gives infinity
float bfloat16_to_float(uint16_t value);
uint16_t float_to_bfloat16(float value);  // round to nearest even; NaN stays NaN

// One block of any quantised type. Element i is exactly  scale * weight[i] - min_scale * min[i /
// 16], rounded once to float: scale * weight[i] and min_scale * min are exact in float for every
// finite scale. `weight` holds the sub-block scale times the quantised value, |weight| <= 2^13;
// powers of two that a format divides by are folded into `scale`.
struct IntegerBlock {
  float scale;
  float min_scale;      // 0 for formats without a minimum
  int16_t weight[256];  // the first block_elements(type) are set
  int16_t min[16];      // the first block_elements(type) / 16 are set; 0 without a minimum
};

// Decodes one block of `block_bytes(type)` bytes. The type is a quantised one. Any bytes are valid.
void decode_block(TensorType type, const uint8_t* block, IntegerBlock& out);

// `count` elements (a multiple of the type's block) of any supported type to float.
void dequantize(TensorType type, const uint8_t* blocks, uint64_t count, float* out);

}  // namespace sotto::gguf

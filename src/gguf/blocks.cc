// Half precision and bfloat16, and the choice of decoder for a block format.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/blocks.h"

#include <algorithm>

#include "base/check.h"
#include "gguf/block_families.h"

namespace sotto::gguf {
namespace {

DecodeBlock decoder(TensorType type) {
  switch (type) {
    case TensorType::Q4_0:
      return decode_q4_0;
    case TensorType::Q4_1:
      return decode_q4_1;
    case TensorType::Q5_0:
      return decode_q5_0;
    case TensorType::Q5_1:
      return decode_q5_1;
    case TensorType::Q8_0:
      return decode_q8_0;
    case TensorType::Q2_K:
      return decode_q2_k;
    case TensorType::Q3_K:
      return decode_q3_k;
    case TensorType::Q4_K:
      return decode_q4_k;
    case TensorType::Q5_K:
      return decode_q5_k;
    case TensorType::Q6_K:
      return decode_q6_k;
    case TensorType::IQ2_XXS:
      return decode_iq2_xxs;
    case TensorType::IQ2_XS:
      return decode_iq2_xs;
    case TensorType::IQ3_XXS:
      return decode_iq3_xxs;
    case TensorType::IQ1_S:
      return decode_iq1_s;
    case TensorType::IQ4_NL:
      return decode_iq4_nl;
    case TensorType::IQ3_S:
      return decode_iq3_s;
    case TensorType::IQ2_S:
      return decode_iq2_s;
    case TensorType::IQ4_XS:
      return decode_iq4_xs;
    case TensorType::IQ1_M:
      return decode_iq1_m;
    case TensorType::TQ1_0:
      return decode_tq1_0;
    case TensorType::TQ2_0:
      return decode_tq2_0;
    case TensorType::F32:
    case TensorType::F16:
    case TensorType::BF16:
      break;
  }
  return nullptr;
}

void decode_with(DecodeBlock decode, uint32_t elements, const uint8_t* block, IntegerBlock& out) {
  out.min_scale = 0;
  std::fill_n(out.min, elements / 16, int16_t{0});
  decode(block, out);
}

}  // namespace

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 31;
  const uint32_t fraction = half & 0x3ff;
  if (exponent == 0) {
    // Zero or subnormal: fraction × 2^-24, exact in float.
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  // Infinity and NaN keep their fraction; all else has its exponent moved to float's bias.
  const uint32_t wide_exponent = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide_exponent << 23 | fraction << 13);
}

uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) {  // NaN: made quiet, since its low bits may be all that it has
    return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
  }
  if (magnitude >= 0x47800000) return static_cast<uint16_t>(sign | 0x7c00);  // 65536 and more
  if (magnitude < 0x38800000) {                                              // below 2^-14
    // Adding 0.5 leaves multiples of 2^-24 in the low bits, rounded to nearest even by the sum.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) & 0xffff));
  }
  const uint32_t rebiased = magnitude - (112u << 23);
  // A carry out of the fraction moves to the next exponent, and from the largest to infinity.
  return static_cast<uint16_t>(sign | (rebiased + 0xfff + (rebiased >> 13 & 1)) >> 13);
}

float bfloat16_to_float(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void decode_block(TensorType type, const uint8_t* block, IntegerBlock& out) {
  const DecodeBlock decode = decoder(type);
  CHECK(decode != nullptr);
  decode_with(decode, traits(type).block_elements, block, out);
}

void dequantize(TensorType type, const uint8_t* blocks, uint64_t count, float* out) {
  if (type == TensorType::F32) {
    std::memcpy(out, blocks, count * sizeof(float));
    return;
  }
  if (type == TensorType::F16) {
    for (uint64_t i = 0; i < count; ++i) out[i] = half_to_float(load<uint16_t>(blocks + 2 * i));
    return;
  }
  if (type == TensorType::BF16) {
    for (uint64_t i = 0; i < count; ++i) {
      out[i] = bfloat16_to_float(load<uint16_t>(blocks + 2 * i));
    }
    return;
  }
  const TypeTraits& shape = traits(type);
  const DecodeBlock decode = decoder(type);
  CHECK(count % shape.block_elements == 0);
  IntegerBlock block;
  for (uint64_t at = 0; at < count; at += shape.block_elements, blocks += shape.block_bytes) {
    decode_with(decode, shape.block_elements, blocks, block);
    for (uint32_t i = 0; i < shape.block_elements; ++i) {
      out[at + i] = block.scale * static_cast<float>(block.weight[i]) -
                    block.min_scale * static_cast<float>(block.min[i / 16]);
    }
  }
}

}  // namespace sotto::gguf

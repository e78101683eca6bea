// The scalar reference: the numerics contract [docs/protocols/numerics.md] as a program.
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>
#include <cstdint>

#include "gguf/blocks.h"
#include "kernels/float_constants.h"
#include "kernels/kernels.h"
#include "kernels/layout.h"
#include "kernels/scalar_math.h"

namespace sotto::kernels {

float exp_reference(float x) {
  x = kExpHighest < x ? kExpHighest : x;
  const bool vanishes = x < kExpLowest;
  x = x < kExpLowest ? kExpLowest : x;
  const float shifted = std::fma(x, kLog2E, kExpMagic);
  const float n = shifted - kExpMagic;
  float r = std::fma(n, -kLn2High, x);
  r = std::fma(n, -kLn2Low, r);
  float p = std::fma(r, kExp6, kExp5);
  p = std::fma(p, r, kExp4);
  p = std::fma(p, r, kExp3);
  p = std::fma(p, r, kExp2);
  p = std::fma(p, r, 1.0f);
  p = std::fma(p, r, 1.0f);
  const uint32_t power = (std::bit_cast<uint32_t>(shifted) - kExpMagicBits + 127) << 23;
  return vanishes ? 0.0f : p * std::bit_cast<float>(power);
}

float tree_sum(const float (&lanes)[16]) {
  float folded[16];
  for (uint32_t i = 0; i < 16; ++i) folded[i] = lanes[i];
  for (uint32_t half = 8; half >= 1; half /= 2) {
    for (uint32_t i = 0; i < half; ++i) folded[i] += folded[i + half];
  }
  return folded[0];
}

namespace {

// Contract §3: exact integers inside a block, one multiply-add per block and output, ascending.
void multiply_blocks(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                     const Activations& activations, float* outputs, uint64_t stride) {
  const uint32_t block_elements = gguf::traits(matrix.type).block_elements;
  const uint32_t blocks = matrix.columns / block_elements;
  for (uint32_t row = group_begin * kGroupRows; row < group_end * kGroupRows; ++row) {
    const uint8_t* group = matrix.data + uint64_t{row / kGroupRows} * matrix.group_bytes;
    for (uint32_t token = 0; token < activations.tokens; ++token) outputs[token * stride + row] = 0;
    for (uint32_t b = 0; b < blocks; ++b) {
      uint8_t file_block[256];
      gguf::IntegerBlock block;
      unpack_block(matrix.type, group, row % kGroupRows, b, file_block);
      gguf::decode_block(matrix.type, file_block, block);
      const uint32_t first = b * block_elements;
      for (uint32_t token = 0; token < activations.tokens; ++token) {
        const ActivationBlock& input =
            activations.blocks[first / 256 * activations.block_stride + token];
        const int8_t* quants = input.quants + first % 256;
        const int16_t* sums = input.sums16 + first % 256 / 16;
        int32_t dot = 0, min_dot = 0;
        for (uint32_t i = 0; i < block_elements; ++i) dot += block.weight[i] * quants[i];
        for (uint32_t i = 0; i < block_elements / 16; ++i) min_dot += block.min[i] * sums[i];
        float& out = outputs[token * stride + row];
        const float product = std::fma(-block.min_scale, static_cast<float>(min_dot),
                                       block.scale * static_cast<float>(dot));
        out = std::fma(input.scales[first % 256 / block_elements], product, out);
      }
    }
  }
}

// Contract §2: one multiply-add per weight, ascending columns.
void multiply_floats(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                     const Activations& activations, float* outputs, uint64_t stride) {
  const uint32_t bytes = gguf::traits(matrix.type).block_bytes;
  for (uint32_t row = group_begin * kGroupRows; row < group_end * kGroupRows; ++row) {
    const uint8_t* group = matrix.data + uint64_t{row / kGroupRows} * matrix.group_bytes;
    for (uint32_t token = 0; token < activations.tokens; ++token) outputs[token * stride + row] = 0;
    for (uint32_t column = 0; column < matrix.columns; ++column) {
      float weight;
      const uint64_t place = uint64_t{column} * kGroupRows + row % kGroupRows;
      gguf::dequantize(matrix.type, group + place * bytes, 1, &weight);
      for (uint32_t token = 0; token < activations.tokens; ++token) {
        float& out = outputs[token * stride + row];
        out = std::fma(weight, activations.values[token * activations.value_stride + column], out);
      }
    }
  }
}

// The sums of the 32 quants from `first` on.
void sum_up(ActivationBlock& block, uint32_t first) {
  int32_t sums[2] = {};
  for (uint32_t i = 0; i < 32; ++i) sums[i / 16] += block.quants[first + i];
  for (uint32_t half = 0; half < 2; ++half) {
    block.sums16[first / 16 + half] = static_cast<int16_t>(sums[half]);
    block.offsets16[first / 16 + half] = -128 * sums[half];
  }
  block.sums32[first / 32] = static_cast<int16_t>(sums[0] + sums[1]);
  block.offsets32[first / 32] = -128 * (sums[0] + sums[1]);
}

// Contract §4.
void quantize(const float* values, uint32_t columns, uint32_t block, ActivationBlock* out,
              uint64_t stride) {
  for (uint32_t first = 0; first < columns; first += block) {
    ActivationBlock& to = out[first / 256 * stride];
    uint32_t largest_bits = 0;  // as integers, so that the order of comparisons cannot matter
    for (uint32_t i = first; i < first + block; ++i) {
      const uint32_t bits = std::bit_cast<uint32_t>(values[i]) & 0x7fffffff;
      if (bits > largest_bits) largest_bits = bits;
    }
    const float largest = std::bit_cast<float>(largest_bits);
    float scale = 0, inverse = 0;
    if (largest_bits >= 0x7f800000) {
      scale = std::bit_cast<float>(0x7fc00000);  // not finite: the outputs shall not be either
    } else if (largest >= kQuantizeSmallest) {
      scale = largest / 127.0f;
      inverse = 127.0f / largest;
    }
    to.scales[first % 256 / block] = scale;
    for (uint32_t i = 0; i < block; ++i) {
      // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, ties to even.
      const float rounded = values[first + i] * inverse + kExpMagic;
      const int32_t quant =
          inverse == 0 ? 0 : static_cast<int32_t>(std::bit_cast<uint32_t>(rounded) - kExpMagicBits);
      to.quants[first % 256 + i] = static_cast<int8_t>(quant);
    }
    for (uint32_t i = first % 256; i < first % 256 + block; i += 32) sum_up(to, i);
  }
}

// Contract §6.
void rms_norm(const float* x, const float* weight, uint32_t count, float epsilon, float* out) {
  float lanes[16] = {};
  for (uint32_t i = 0; i < count; ++i) lanes[i % 16] = std::fma(x[i], x[i], lanes[i % 16]);
  const float mean = tree_sum(lanes) / static_cast<float>(count);
  const float inverse = 1.0f / std::sqrt(mean + epsilon);
  for (uint32_t i = 0; i < count; ++i) out[i] = x[i] * inverse * weight[i];
}

void layer_norm(const float* x, const float* weight, const float* bias, uint32_t count,
                float epsilon, float* out) {
  float lanes[16] = {};
  for (uint32_t i = 0; i < count; ++i) lanes[i % 16] += x[i];
  const float mean = tree_sum(lanes) / static_cast<float>(count);
  for (float& lane : lanes) lane = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const float centred = x[i] - mean;
    lanes[i % 16] = std::fma(centred, centred, lanes[i % 16]);
  }
  const float inverse = 1.0f / std::sqrt(tree_sum(lanes) / static_cast<float>(count) + epsilon);
  for (uint32_t i = 0; i < count; ++i) {
    out[i] = std::fma((x[i] - mean) * inverse, weight[i], bias[i]);
  }
}

void silu_multiply(const float* gate, const float* up, uint32_t count, float* out) {
  for (uint32_t i = 0; i < count; ++i) {
    out[i] = gate[i] / (1.0f + exp_reference(-gate[i])) * up[i];
  }
}

void gelu(float* x, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const float twice_u = x[i] * std::fma(kGelu3, x[i] * x[i], kGelu1);
    x[i] = x[i] / (1.0f + exp_reference(-twice_u));
  }
}

void to_half(const float* x, uint32_t count, uint16_t* out) {
  for (uint32_t i = 0; i < count; ++i) out[i] = gguf::float_to_half(x[i]);
}

}  // namespace

void add_scalar(Kernels& kernels) {
  kernels.isa = "scalar";
  for (const gguf::TypeTraits& type : gguf::all_types()) {
    kernels.multiply[static_cast<uint32_t>(type.type)] =
        type.block_elements == 1 ? multiply_floats : multiply_blocks;
  }
  kernels.quantize = quantize;
  kernels.rms_norm = rms_norm;
  kernels.layer_norm = layer_norm;
  kernels.silu_multiply = silu_multiply;
  kernels.gelu = gelu;
  kernels.to_half = to_half;
  add_scalar_attention(kernels);
  add_scalar_peak(kernels);
}

}  // namespace sotto::kernels

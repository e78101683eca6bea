// Matrix products on AVX2: 8 of a group's 16 rows across the lanes, up to 4 tokens at a time.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "gguf/blocks.h"
#include "kernels/avx2_math.h"
#include "kernels/kernels.h"
#include "kernels/layout.h"
#include "kernels/packed_format.h"

namespace sotto::kernels {
namespace {

inline __m256i load32(const void* at) {
  return _mm256_load_si256(static_cast<const __m256i*>(at));
}

// Byte `index` of each dword lane in both of its words, zero or sign extended: what one multiply-add of
// words needs to scale two neighbouring sums at once.
inline __m256i byte_in_words(__m256i v, uint32_t index) {
  const __m256i byte = _mm256_and_si256(_mm256_srli_epi32(v, 8 * index), _mm256_set1_epi32(255));
  return _mm256_or_si256(byte, _mm256_slli_epi32(byte, 16));
}
inline __m256i signed_byte_in_words(__m256i v, uint32_t index) {
  const __m256i byte = _mm256_srai_epi32(_mm256_slli_epi32(v, 24 - 8 * index), 24);
  return _mm256_or_si256(_mm256_and_si256(byte, _mm256_set1_epi32(0xffff)),
                         _mm256_slli_epi32(byte, 16));
}

// sum += token scale * (scale * dot), the contract's step for formats without a minimum.
inline __m256 step(float token_scale, __m256 scale, __m256i dot, __m256 sum) {
  return _mm256_fmadd_ps(_mm256_set1_ps(token_scale), _mm256_mul_ps(scale, _mm256_cvtepi32_ps(dot)),
                         sum);
}

// Each format's tile: the 8 rows from 8 * half of a group, times N tokens.
struct FormatQ4K {
  template <int N>
  static void tile(const Matrix& matrix, const uint8_t* group, uint32_t half,
                   const Activations& activations, uint32_t token, float* outputs,
                   uint64_t stride) {
    const uint32_t columns = matrix.columns, blocks = columns / 256;
    const __m256i nibble = _mm256_set1_epi8(15), six = _mm256_set1_epi32(0x3f3f3f3f);
    const __m256i four = _mm256_set1_epi32(0x0f0f0f0f), upper = _mm256_set1_epi32(0x30303030);
    __m256 sum[N];
    for (int n = 0; n < N; ++n) sum[n] = _mm256_setzero_ps();
    for (uint32_t b = 0; b < blocks; ++b) {
      const PackedQ4K& block = reinterpret_cast<const PackedQ4K*>(group)[b];
      const __m256i w0 = load32(block.sub_scales[0] + 8 * half);
      const __m256i w1 = load32(block.sub_scales[1] + 8 * half);
      const __m256i w2 = load32(block.sub_scales[2] + 8 * half);
      const __m256i scales[2] = {
          _mm256_and_si256(w0, six),
          _mm256_or_si256(_mm256_and_si256(w2, four),
                          _mm256_and_si256(_mm256_srli_epi32(w0, 2), upper))};
      const __m256i mins[2] = {_mm256_and_si256(w1, six),
                               _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32(w2, 4), four),
                                               _mm256_and_si256(_mm256_srli_epi32(w1, 2), upper))};
      const ActivationBlock* input = activations.blocks + token * activations.block_stride + b;
      __m256i dot[N], min_dot[N];
      for (int n = 0; n < N; ++n) dot[n] = min_dot[n] = _mm256_setzero_si256();
      for (uint32_t sub = 0; sub < 8; ++sub) {
        // Eight sums of two products, at most 8 * 2 * 15 * 127 = 30480, fit 16 bits.
        __m256i words[N];
        for (int n = 0; n < N; ++n) words[n] = _mm256_setzero_si256();
#pragma GCC unroll 4
        for (uint32_t i = 0; i < 4; ++i) {
          const __m256i both = load32(block.quants[4 * sub + i] + 32 * half);
          const __m256i low = _mm256_and_si256(both, nibble);
          const __m256i high = _mm256_and_si256(_mm256_srli_epi16(both, 4), nibble);
#pragma GCC unroll 4
          for (int n = 0; n < N; ++n) {
            const int8_t* at = input[n * activations.block_stride].quants + 32 * sub + 4 * i;
            const __m256i first = _mm256_maddubs_epi16(low, broadcast_dword(at));
            const __m256i second = _mm256_maddubs_epi16(high, broadcast_dword(at + 16));
            words[n] = _mm256_add_epi16(words[n], _mm256_add_epi16(first, second));
          }
        }
        const __m256i scale = byte_in_words(scales[sub / 4], sub % 4);
        const __m256i min = byte_in_words(mins[sub / 4], sub % 4);
        for (int n = 0; n < N; ++n) {
          const int16_t* at = input[n * activations.block_stride].sums16 + 2 * sub;
          dot[n] = _mm256_add_epi32(dot[n], _mm256_madd_epi16(words[n], scale));
          min_dot[n] = _mm256_add_epi32(min_dot[n], _mm256_madd_epi16(min, broadcast_dword(at)));
        }
      }
      const __m256 scale = halves8(block.scale + 8 * half);
      const __m256 min_scale = halves8(block.min_scale + 8 * half);
      for (int n = 0; n < N; ++n) {
        const __m256 product = _mm256_fnmadd_ps(min_scale, _mm256_cvtepi32_ps(min_dot[n]),
                                                _mm256_mul_ps(scale, _mm256_cvtepi32_ps(dot[n])));
        const float token_scale = input[n * activations.block_stride].scales[0];
        sum[n] = _mm256_fmadd_ps(_mm256_set1_ps(token_scale), product, sum[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm256_storeu_ps(outputs + (token + n) * stride, sum[n]);
  }
};

struct FormatQ6K {
  template <int N>
  static void tile(const Matrix& matrix, const uint8_t* group, uint32_t half,
                   const Activations& activations, uint32_t token, float* outputs,
                   uint64_t stride) {
    const uint32_t columns = matrix.columns, blocks = columns / 256;
    const __m256i nibble = _mm256_set1_epi8(15), upper = _mm256_set1_epi8(0x30);
    __m256 sum[N];
    for (int n = 0; n < N; ++n) sum[n] = _mm256_setzero_ps();
    for (uint32_t b = 0; b < blocks; ++b) {
      const PackedQ6K& block =
          *reinterpret_cast<const PackedQ6K*>(group + block_offset(sizeof(PackedQ6K), true, b));
      const ActivationBlock* input = activations.blocks + token * activations.block_stride + b;
      // The stored 6 bits are the weight plus 32: `offset` gathers the scaled sums to take off.
      __m256i dot[N], offset[N];
      for (int n = 0; n < N; ++n) dot[n] = offset[n] = _mm256_setzero_si256();
      for (uint32_t pair = 0; pair < 8; ++pair) {
        const __m256i bytes = load32(block.sub_scales[pair / 2] + 8 * half);
        const __m256i scale1 = signed_byte_in_words(bytes, pair % 2 * 2);
        const __m256i scale2 = signed_byte_in_words(bytes, pair % 2 * 2 + 1);
        const __m256i both_scales = _mm256_blend_epi16(scale1, scale2, 0xaa);
        for (int n = 0; n < N; ++n) {
          const int16_t* at = input[n * activations.block_stride].sums16 + 2 * pair;
          offset[n] =
              _mm256_add_epi32(offset[n], _mm256_madd_epi16(both_scales, broadcast_dword(at)));
        }
#pragma GCC unroll 2
        for (uint32_t u = 2 * pair; u < 2 * pair + 2; ++u) {
          const __m256i high = load32(block.subs[pair].high[u % 2] + 32 * half);
          const __m256i low0 = load32(block.subs[pair].low[u % 2 * 2] + 32 * half);
          const __m256i low1 = load32(block.subs[pair].low[u % 2 * 2 + 1] + 32 * half);
          const auto weights = [&](__m256i low, __m256i crumbs) {
            return _mm256_or_si256(_mm256_and_si256(low, nibble), _mm256_and_si256(crumbs, upper));
          };
          const __m256i first0 = weights(low0, _mm256_slli_epi16(high, 4));
          const __m256i second0 = weights(_mm256_srli_epi16(low0, 4), _mm256_slli_epi16(high, 2));
          const __m256i first1 = weights(low1, high);
          const __m256i second1 = weights(_mm256_srli_epi16(low1, 4), _mm256_srli_epi16(high, 2));
#pragma GCC unroll 4
          for (int n = 0; n < N; ++n) {
            // Two sums of two products, at most 2 * 2 * 63 * 127 = 32004, fit 16 bits.
            const int8_t* at =
                input[n * activations.block_stride].quants + 32 * pair + 8 * (u - 2 * pair);
            const __m256i words1 =
                _mm256_add_epi16(_mm256_maddubs_epi16(first0, broadcast_dword(at)),
                                 _mm256_maddubs_epi16(first1, broadcast_dword(at + 4)));
            const __m256i words2 =
                _mm256_add_epi16(_mm256_maddubs_epi16(second0, broadcast_dword(at + 16)),
                                 _mm256_maddubs_epi16(second1, broadcast_dword(at + 20)));
            dot[n] = _mm256_add_epi32(dot[n], _mm256_add_epi32(_mm256_madd_epi16(words1, scale1),
                                                               _mm256_madd_epi16(words2, scale2)));
          }
        }
      }
      const __m256 scale = halves8(group + scale_offset(sizeof(PackedQ6K), b) + 16 * half);
      for (int n = 0; n < N; ++n) {
        const __m256i exact = _mm256_sub_epi32(dot[n], _mm256_slli_epi32(offset[n], 5));
        sum[n] = step(input[n * activations.block_stride].scales[0], scale, exact, sum[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm256_storeu_ps(outputs + (token + n) * stride, sum[n]);
  }
};

struct FormatQ80 {
  template <int N>
  static void tile(const Matrix& matrix, const uint8_t* group, uint32_t half,
                   const Activations& activations, uint32_t token, float* outputs,
                   uint64_t stride) {
    const uint32_t columns = matrix.columns, blocks = columns / 32;
    const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));
    const __m256i ones = _mm256_set1_epi16(1);
    __m256 sum[N];
    for (int n = 0; n < N; ++n) sum[n] = _mm256_setzero_ps();
    for (uint32_t b = 0; b < blocks; ++b) {
      const PackedQ80& block =
          *reinterpret_cast<const PackedQ80*>(group + block_offset(sizeof(PackedQ80), true, b));
      const ActivationBlock* input = activations.blocks + token * activations.block_stride + b / 8;
      __m256i dot[N];
      for (int n = 0; n < N; ++n) dot[n] = _mm256_setzero_si256();
#pragma GCC unroll 8
      for (uint32_t quad = 0; quad < 8; ++quad) {
        // Magnitudes times signed activations: 2 * 128 * 127 fits 16 bits, 2 * 255 * 127 would not.
        const __m256i weights =
            _mm256_xor_si256(load32(block.quants[quad % 4][quad / 4] + 32 * half), flip);
        const __m256i magnitudes = _mm256_abs_epi8(weights);
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) {
          const int8_t* at = input[n * activations.block_stride].quants + b % 8 * 32 + 4 * quad;
          const __m256i with_sign = _mm256_sign_epi8(broadcast_dword(at), weights);
          const __m256i words = _mm256_maddubs_epi16(magnitudes, with_sign);
          dot[n] = _mm256_add_epi32(dot[n], _mm256_madd_epi16(words, ones));
        }
      }
      const __m256 scale = halves8(group + scale_offset(sizeof(PackedQ80), b) + 16 * half);
      for (int n = 0; n < N; ++n) {
        sum[n] = step(input[n * activations.block_stride].scales[b % 8], scale, dot[n], sum[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm256_storeu_ps(outputs + (token + n) * stride, sum[n]);
  }
};

// 8 weights of one column as floats.
struct LoadF32 {
  static __m256 load(const uint8_t* at) {
    return _mm256_load_ps(reinterpret_cast<const float*>(at));
  }
  static constexpr uint32_t kBytes = 4;
};
struct LoadF16 {
  static __m256 load(const uint8_t* at) { return halves8(at); }
  static constexpr uint32_t kBytes = 2;
};
struct LoadBF16 {
  static __m256 load(const uint8_t* at) {
    const __m128i raw = _mm_load_si128(reinterpret_cast<const __m128i*>(at));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(raw), 16));
  }
  static constexpr uint32_t kBytes = 2;
};

template <class Load>
struct FormatFloat {
  template <int N>
  static void tile(const Matrix& matrix, const uint8_t* group, uint32_t half,
                   const Activations& activations, uint32_t token, float* outputs,
                   uint64_t stride) {
    const float* values = activations.values + token * activations.value_stride;
    __m256 sum[N];
    for (int n = 0; n < N; ++n) sum[n] = _mm256_setzero_ps();
    for (uint32_t column = 0; column < matrix.columns; ++column) {
      const __m256 weights = Load::load(group + (uint64_t{column} * 16 + 8 * half) * Load::kBytes);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) {
        const float value = values[uint64_t(n) * activations.value_stride + column];
        sum[n] = _mm256_fmadd_ps(weights, _mm256_set1_ps(value), sum[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm256_storeu_ps(outputs + (token + n) * stride, sum[n]);
  }
};

// Passes over a group's weights with 4 tokens at a time, then 2 and 1.
template <class Format>
void multiply(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
              const Activations& activations, float* outputs, uint64_t stride) {
  for (uint32_t g = group_begin; g < group_end; ++g) {
    const uint8_t* group = matrix.data + uint64_t{g} * matrix.group_bytes;
    for (uint32_t token = 0; token < activations.tokens;) {
      const uint32_t left = activations.tokens - token;
      for (uint32_t half = 0; half < 2; ++half) {
        float* out = outputs + uint64_t{g} * kGroupRows + 8 * half;
        if (left >= 4) {
          Format::template tile<4>(matrix, group, half, activations, token, out, stride);
        } else if (left >= 2) {
          Format::template tile<2>(matrix, group, half, activations, token, out, stride);
        } else {
          Format::template tile<1>(matrix, group, half, activations, token, out, stride);
        }
      }
      token += left >= 4 ? 4 : left >= 2 ? 2 : 1;
    }
  }
}

// The formats without a layout of their own: every block is decoded to integers once per 32 tokens.
constexpr uint32_t kGenericTokens = 32;

inline int32_t dot_decoded(const int16_t* weights, const int8_t* quants, uint32_t count) {
  __m256i dot = _mm256_setzero_si256();
  for (uint32_t i = 0; i < count; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(quants + i));
    const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights + i));
    dot = _mm256_add_epi32(dot, _mm256_madd_epi16(words, _mm256_cvtepi8_epi16(bytes)));
  }
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(dot), _mm256_extracti128_si256(dot, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

// One row of one block, for `tokens` tokens from `token` on: outputs[n * stride] gets its step.
void add_decoded(const gguf::IntegerBlock& block, uint32_t block_elements, uint32_t b,
                 const Activations& activations, uint32_t token, uint32_t tokens, float* outputs,
                 uint64_t stride) {
  const uint32_t first = b * block_elements;
  for (uint32_t n = 0; n < tokens; ++n) {
    const ActivationBlock& input =
        activations.blocks[uint64_t{token + n} * activations.block_stride + first / 256];
    const int32_t dot = dot_decoded(block.weight, input.quants + first % 256, block_elements);
    int32_t min_dot = 0;
    for (uint32_t i = 0; i < block_elements / 16; ++i) {
      min_dot += block.min[i] * input.sums16[first % 256 / 16 + i];
    }
    const __m128 product =
        _mm_fnmadd_ss(_mm_set_ss(block.min_scale), _mm_set_ss(static_cast<float>(min_dot)),
                      _mm_set_ss(block.scale * static_cast<float>(dot)));
    const __m128 token_scale = _mm_set_ss(input.scales[first % 256 / block_elements]);
    float& out = outputs[n * stride];
    out = _mm_cvtss_f32(_mm_fmadd_ss(token_scale, product, _mm_set_ss(out)));
  }
}

void multiply_generic(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                      const Activations& activations, float* outputs, uint64_t stride) {
  const gguf::TypeTraits& type = gguf::traits(matrix.type);
  const uint32_t blocks = matrix.columns / type.block_elements;
  for (uint32_t row = group_begin * kGroupRows; row < group_end * kGroupRows; ++row) {
    const uint8_t* group = matrix.data + uint64_t{row / kGroupRows} * matrix.group_bytes;
    for (uint32_t token = 0; token < activations.tokens; token += kGenericTokens) {
      const uint32_t left = activations.tokens - token;
      const uint32_t tokens = left < kGenericTokens ? left : kGenericTokens;
      float* out = outputs + token * stride + row;
      for (uint32_t n = 0; n < tokens; ++n) out[n * stride] = 0;
      for (uint32_t b = 0; b < blocks; ++b) {
        uint8_t file_block[256];
        gguf::IntegerBlock block;
        unpack_block(matrix.type, matrix.columns, group, row % kGroupRows, b, file_block);
        gguf::decode_block(matrix.type, file_block, block);
        add_decoded(block, type.block_elements, b, activations, token, tokens, out, stride);
      }
    }
  }
}

}  // namespace

void add_avx2_multiply(Kernels& kernels) {
  using gguf::TensorType;
  const auto set = [&kernels](TensorType type, Multiply function) {
    kernels.multiply[static_cast<uint32_t>(type)] = function;
  };
  for (Multiply& function : kernels.multiply) {
    if (function != nullptr) function = multiply_generic;
  }
  set(TensorType::F32, multiply<FormatFloat<LoadF32>>);
  set(TensorType::F16, multiply<FormatFloat<LoadF16>>);
  set(TensorType::BF16, multiply<FormatFloat<LoadBF16>>);
  set(TensorType::Q8_0, multiply<FormatQ80>);
  set(TensorType::Q4_K, multiply<FormatQ4K>);
  set(TensorType::Q6_K, multiply<FormatQ6K>);
}

}  // namespace sotto::kernels

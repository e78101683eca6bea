// Matrix products on AVX-512 with VNNI: 16 rows across the lanes, up to 8 tokens at a time.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "gguf/blocks.h"
#include "kernels/avx512_math.h"
#include "kernels/kernels.h"
#include "kernels/layout.h"

namespace sotto::kernels {
namespace {

// Weights are asked for this far ahead, into the second-level cache: measured best for decoding.
constexpr uint32_t kPrefetchBytes = 2304;

inline void prefetch(const void* at) {
  _mm_prefetch(static_cast<const char*>(at) + kPrefetchBytes, _MM_HINT_T1);
}

// Byte `index` of each dword lane, zero or sign extended.
inline __m512i lane_byte(__m512i v, uint32_t index) {
  return _mm512_and_si512(_mm512_srli_epi32(v, 8 * index), _mm512_set1_epi32(255));
}
inline __m512i signed_lane_byte(__m512i v, uint32_t index) {
  return _mm512_srai_epi32(_mm512_slli_epi32(v, 24 - 8 * index), 24);
}

inline __m512 halves(const uint16_t* at) {
  return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(at)));
}

struct FormatQ4K {
  template <int N>
  static void tile(const Matrix& matrix, const uint8_t* group, const Activations& activations,
                   uint32_t token, float* outputs, uint64_t stride) {
    const uint32_t columns = matrix.columns, blocks = columns / 256;
    const __m512i nibble = _mm512_set1_epi8(15);
    const PackedQ4K* packed = reinterpret_cast<const PackedQ4K*>(group);
    __m512 sum[N];
    for (int n = 0; n < N; ++n) sum[n] = _mm512_setzero_ps();
    for (uint32_t b = 0; b < blocks; ++b) {
      const PackedQ4K& block = packed[b];
      for (uint32_t line = 0; line < 4; ++line) {
        prefetch(reinterpret_cast<const uint8_t*>(&block) + 64 * line);
      }
      const __m512i w0 = _mm512_load_si512(block.sub_scales[0]);
      const __m512i w1 = _mm512_load_si512(block.sub_scales[1]);
      const __m512i w2 = _mm512_load_si512(block.sub_scales[2]);
      const __m512i six = _mm512_set1_epi32(0x3f3f3f3f), four = _mm512_set1_epi32(0x0f0f0f0f);
      const __m512i upper = _mm512_set1_epi32(0x30303030);
      const __m512i scales[2] = {
          _mm512_and_si512(w0, six),
          _mm512_or_si512(_mm512_and_si512(w2, four),
                          _mm512_and_si512(_mm512_srli_epi32(w0, 2), upper))};
      const __m512i mins[2] = {_mm512_and_si512(w1, six),
                               _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(w2, 4), four),
                                               _mm512_and_si512(_mm512_srli_epi32(w1, 2), upper))};

      const int8_t* quants = activations.quants + uint64_t{token} * columns + 256 * b;
      __m512i dot[N];
      for (int n = 0; n < N; ++n) dot[n] = _mm512_setzero_si512();
#pragma GCC unroll 8
      for (uint32_t sub = 0; sub < 8; ++sub) {
        __m512i part[N];
        for (int n = 0; n < N; ++n) part[n] = _mm512_setzero_si512();
#pragma GCC unroll 4
        for (uint32_t i = 0; i < 4; ++i) {
          const uint8_t* line = block.quants[4 * sub + i];
          prefetch(line);
          const __m512i both = _mm512_load_si512(line);
          const __m512i low = _mm512_and_si512(both, nibble);
          const __m512i high = _mm512_and_si512(_mm512_srli_epi16(both, 4), nibble);
#pragma GCC unroll 8
          for (int n = 0; n < N; ++n) {
            const int8_t* at = quants + uint64_t(n) * columns + 32 * sub + 4 * i;
            part[n] = _mm512_dpbusd_epi32(part[n], low, broadcast_dword(at));
            part[n] = _mm512_dpbusd_epi32(part[n], high, broadcast_dword(at + 16));
          }
        }
        const __m512i scale = lane_byte(scales[sub / 4], sub % 4);
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) {
          dot[n] = _mm512_add_epi32(dot[n], _mm512_mullo_epi32(part[n], scale));
        }
      }

      __m512i min_dot[N];
      for (int n = 0; n < N; ++n) min_dot[n] = _mm512_setzero_si512();
      const int16_t* sums = activations.sums + (uint64_t{token} * columns + 256 * b) / 16;
#pragma GCC unroll 8
      for (uint32_t sub = 0; sub < 8; ++sub) {
        // The min stands for two sums of 16: as both halves of a dword it meets both at once.
        const __m512i min = lane_byte(mins[sub / 4], sub % 4);
        const __m512i pair = _mm512_or_si512(min, _mm512_slli_epi32(min, 16));
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) {
          const int16_t* at = sums + uint64_t(n) * (columns / 16) + 2 * sub;
          min_dot[n] = _mm512_dpwssd_epi32(min_dot[n], pair, broadcast_dword(at));
        }
      }

      const __m512 scale = halves(block.scale), min_scale = halves(block.min_scale);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const __m512 product = _mm512_fnmadd_ps(min_scale, _mm512_cvtepi32_ps(min_dot[n]),
                                                _mm512_mul_ps(scale, _mm512_cvtepi32_ps(dot[n])));
        const float token_scale = activations.scales[uint64_t{token + n} * blocks + b];
        sum[n] = _mm512_fmadd_ps(_mm512_set1_ps(token_scale), product, sum[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm512_storeu_ps(outputs + (token + n) * stride, sum[n]);
  }
};

struct FormatQ6K {
  template <int N>
  static void tile(const Matrix& matrix, const uint8_t* group, const Activations& activations,
                   uint32_t token, float* outputs, uint64_t stride) {
    const uint32_t columns = matrix.columns, blocks = columns / 256;
    const __m512i nibble = _mm512_set1_epi8(15), upper = _mm512_set1_epi8(0x30);
    const PackedQ6K* packed = reinterpret_cast<const PackedQ6K*>(group);
    const uint16_t* block_scales = reinterpret_cast<const uint16_t*>(packed + blocks);
    __m512 sum[N];
    for (int n = 0; n < N; ++n) sum[n] = _mm512_setzero_ps();
    for (uint32_t b = 0; b < blocks; ++b) {
      const PackedQ6K& block = packed[b];
      for (uint32_t line = 0; line < 4; ++line) {
        prefetch(reinterpret_cast<const uint8_t*>(&block) + 64 * line);
      }
      const int8_t* quants = activations.quants + uint64_t{token} * columns + 256 * b;
      const int16_t* sums = activations.sums + (uint64_t{token} * columns + 256 * b) / 16;
      __m512i dot[N];
      for (int n = 0; n < N; ++n) dot[n] = _mm512_setzero_si512();
#pragma GCC unroll 8
      for (uint32_t pair = 0; pair < 8;
           ++pair) {  // of sub-blocks: 16 columns in the low nibbles, 16 in the high
        // The stored 6 bits are the weight plus 32: its sum with the activations is taken off
        // first.
        __m512i first[N], second[N];
        for (int n = 0; n < N; ++n) {
          const int16_t* at = sums + uint64_t(n) * (columns / 16) + 2 * pair;
          first[n] = _mm512_set1_epi32(-32 * at[0]);
          second[n] = _mm512_set1_epi32(-32 * at[1]);
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < 4; ++i) {
          const uint32_t reg = 4 * pair + i;
          prefetch(block.low[reg]);
          if (reg % 2 == 0) prefetch(block.high[reg / 2]);
          const __m512i low = _mm512_load_si512(block.low[reg]);
          const __m512i high = _mm512_load_si512(block.high[reg / 2]);
          const __m512i crumbs1 = reg % 2 == 0 ? _mm512_slli_epi16(high, 4) : high;
          const __m512i crumbs2 =
              reg % 2 == 0 ? _mm512_slli_epi16(high, 2) : _mm512_srli_epi16(high, 2);
          const __m512i weights1 =
              _mm512_or_si512(_mm512_and_si512(low, nibble), _mm512_and_si512(crumbs1, upper));
          const __m512i weights2 =
              _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(low, 4), nibble),
                              _mm512_and_si512(crumbs2, upper));
#pragma GCC unroll 8
          for (int n = 0; n < N; ++n) {
            const int8_t* at = quants + uint64_t(n) * columns + 32 * pair + 4 * i;
            first[n] = _mm512_dpbusd_epi32(first[n], weights1, broadcast_dword(at));
            second[n] = _mm512_dpbusd_epi32(second[n], weights2, broadcast_dword(at + 16));
          }
        }
        const __m512i scales = _mm512_load_si512(block.sub_scales[pair / 2]);
        const __m512i scale1 = signed_lane_byte(scales, pair % 2 * 2);
        const __m512i scale2 = signed_lane_byte(scales, pair % 2 * 2 + 1);
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) {
          dot[n] =
              _mm512_add_epi32(dot[n], _mm512_add_epi32(_mm512_mullo_epi32(first[n], scale1),
                                                        _mm512_mullo_epi32(second[n], scale2)));
        }
      }
      const __m512 scale = halves(block_scales + 16 * b);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const float token_scale = activations.scales[uint64_t{token + n} * blocks + b];
        sum[n] = _mm512_fmadd_ps(_mm512_set1_ps(token_scale),
                                 _mm512_mul_ps(scale, _mm512_cvtepi32_ps(dot[n])), sum[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm512_storeu_ps(outputs + (token + n) * stride, sum[n]);
  }
};

struct FormatQ80 {
  template <int N>
  static void tile(const Matrix& matrix, const uint8_t* group, const Activations& activations,
                   uint32_t token, float* outputs, uint64_t stride) {
    const uint32_t columns = matrix.columns, blocks = columns / 32;
    const PackedQ80* packed = reinterpret_cast<const PackedQ80*>(group);
    const uint16_t* block_scales = reinterpret_cast<const uint16_t*>(packed + blocks);
    __m512 sum[N];
    for (int n = 0; n < N; ++n) sum[n] = _mm512_setzero_ps();
    for (uint32_t b = 0; b < blocks; ++b) {
      const int8_t* quants = activations.quants + uint64_t{token} * columns + 32 * b;
      const int16_t* sums = activations.sums + (uint64_t{token} * columns + 32 * b) / 16;
      __m512i dot[N];
      for (int n = 0; n < N; ++n) {  // stored weights have 128 added
        const int16_t* at = sums + uint64_t(n) * (columns / 16);
        dot[n] = _mm512_set1_epi32(-128 * (at[0] + at[1]));
      }
#pragma GCC unroll 8
      for (uint32_t quad = 0; quad < 8; ++quad) {
        prefetch(packed[b].quants[quad]);
        const __m512i weights = _mm512_load_si512(packed[b].quants[quad]);
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) {
          const int8_t* at = quants + uint64_t(n) * columns + 4 * quad;
          dot[n] = _mm512_dpbusd_epi32(dot[n], weights, broadcast_dword(at));
        }
      }
      const __m512 scale = halves(block_scales + 16 * b);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const float token_scale = activations.scales[uint64_t{token + n} * blocks + b];
        sum[n] = _mm512_fmadd_ps(_mm512_set1_ps(token_scale),
                                 _mm512_mul_ps(scale, _mm512_cvtepi32_ps(dot[n])), sum[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm512_storeu_ps(outputs + (token + n) * stride, sum[n]);
  }
};

// 16 weights of one column as floats.
struct LoadF32 {
  static __m512 load(const uint8_t* at) { return _mm512_load_ps(at); }
  static constexpr uint32_t kBytes = 64;
};
struct LoadF16 {
  static __m512 load(const uint8_t* at) { return halves(reinterpret_cast<const uint16_t*>(at)); }
  static constexpr uint32_t kBytes = 32;
};
struct LoadBF16 {
  static __m512 load(const uint8_t* at) {
    const __m256i raw = _mm256_load_si256(reinterpret_cast<const __m256i*>(at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(raw), 16));
  }
  static constexpr uint32_t kBytes = 32;
};

template <class Load>
struct FormatFloat {
  template <int N>
  static void tile(const Matrix& matrix, const uint8_t* group, const Activations& activations,
                   uint32_t token, float* outputs, uint64_t stride) {
    const float* values = activations.values + token * activations.value_stride;
    __m512 sum[N];
    for (int n = 0; n < N; ++n) sum[n] = _mm512_setzero_ps();
    for (uint32_t column = 0; column < matrix.columns; ++column) {
      const uint8_t* at = group + uint64_t{column} * Load::kBytes;
      prefetch(at);
      const __m512 weights = Load::load(at);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const float value = values[uint64_t(n) * activations.value_stride + column];
        sum[n] = _mm512_fmadd_ps(weights, _mm512_set1_ps(value), sum[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm512_storeu_ps(outputs + (token + n) * stride, sum[n]);
  }
};

// Passes over a group's weights with 8 tokens at a time, then 4, 2 and 1.
template <class Format>
void multiply(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
              const Activations& activations, float* outputs, uint64_t stride) {
  for (uint32_t g = group_begin; g < group_end; ++g) {
    const uint8_t* group = matrix.data + uint64_t{g} * matrix.group_bytes;
    float* out = outputs + uint64_t{g} * kGroupRows;
    uint32_t token = 0;
    for (; token + 8 <= activations.tokens; token += 8) {
      Format::template tile<8>(matrix, group, activations, token, out, stride);
    }
    const uint32_t left = activations.tokens - token;
    if (left & 4) Format::template tile<4>(matrix, group, activations, token, out, stride);
    token += left & 4;
    if (left & 2) Format::template tile<2>(matrix, group, activations, token, out, stride);
    token += left & 2;
    if (left & 1) Format::template tile<1>(matrix, group, activations, token, out, stride);
  }
}

// The formats without a layout of their own: every block is decoded to integers once per 32 tokens.
constexpr uint32_t kGenericTokens = 32;

inline int32_t dot_decoded(const int16_t* weights, const int8_t* quants, uint32_t count) {
  __m512i dot = _mm512_setzero_si512();
  for (uint32_t i = 0; i < count; i += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(quants + i));
    dot = _mm512_dpwssd_epi32(dot, _mm512_loadu_si512(weights + i), _mm512_cvtepi8_epi16(bytes));
  }
  return _mm512_reduce_add_epi32(dot);
}

inline int32_t dot_mins(const int16_t* mins, const int16_t* sums, uint32_t count) {
  int32_t dot = 0;
  for (uint32_t i = 0; i < count; ++i) dot += mins[i] * sums[i];
  return dot;
}

struct GenericBlock {
  alignas(64) int32_t dot[kGenericTokens][16];
  alignas(64) int32_t min_dot[kGenericTokens][16];
  alignas(64) float scale[16];
  alignas(64) float min_scale[16];
};

void generic_block(const Matrix& matrix, const uint8_t* group, uint32_t b,
                   const Activations& activations, uint32_t token, uint32_t tokens,
                   GenericBlock& out) {
  const gguf::TypeTraits& type = gguf::traits(matrix.type);
  const uint32_t blocks = matrix.columns / type.block_elements;
  for (uint32_t row = 0; row < kGroupRows; ++row) {
    gguf::IntegerBlock block;
    gguf::decode_block(matrix.type, group + (uint64_t{row} * blocks + b) * type.block_bytes, block);
    out.scale[row] = block.scale;
    out.min_scale[row] = block.min_scale;
    for (uint32_t n = 0; n < tokens; ++n) {
      const uint64_t first =
          uint64_t{token + n} * matrix.columns + uint64_t{b} * type.block_elements;
      out.dot[n][row] = dot_decoded(block.weight, activations.quants + first, type.block_elements);
      out.min_dot[n][row] =
          dot_mins(block.min, activations.sums + first / 16, type.block_elements / 16);
    }
  }
}

void multiply_generic(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                      const Activations& activations, float* outputs, uint64_t stride) {
  const uint32_t blocks = matrix.columns / gguf::traits(matrix.type).block_elements;
  GenericBlock decoded;
  for (uint32_t g = group_begin; g < group_end; ++g) {
    const uint8_t* group = matrix.data + uint64_t{g} * matrix.group_bytes;
    for (uint32_t token = 0; token < activations.tokens; token += kGenericTokens) {
      const uint32_t left = activations.tokens - token;
      const uint32_t tokens = left < kGenericTokens ? left : kGenericTokens;
      __m512 sum[kGenericTokens];
      for (uint32_t n = 0; n < tokens; ++n) sum[n] = _mm512_setzero_ps();
      for (uint32_t b = 0; b < blocks; ++b) {
        generic_block(matrix, group, b, activations, token, tokens, decoded);
        const __m512 scale = _mm512_load_ps(decoded.scale);
        const __m512 min_scale = _mm512_load_ps(decoded.min_scale);
        for (uint32_t n = 0; n < tokens; ++n) {
          const __m512 dot = _mm512_cvtepi32_ps(_mm512_load_si512(decoded.dot[n]));
          const __m512 min_dot = _mm512_cvtepi32_ps(_mm512_load_si512(decoded.min_dot[n]));
          const __m512 product = _mm512_fnmadd_ps(min_scale, min_dot, _mm512_mul_ps(scale, dot));
          const float token_scale = activations.scales[uint64_t{token + n} * blocks + b];
          sum[n] = _mm512_fmadd_ps(_mm512_set1_ps(token_scale), product, sum[n]);
        }
      }
      for (uint32_t n = 0; n < tokens; ++n) {
        _mm512_storeu_ps(outputs + (token + n) * stride + uint64_t{g} * kGroupRows, sum[n]);
      }
    }
  }
}

}  // namespace

void add_avx512_multiply(Kernels& kernels) {
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

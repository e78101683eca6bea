// Products with floating-point weights on AVX2: 8 rows across the lanes, in chains of multiply-adds.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/avx2_math.h"
#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

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

// G groups times N tokens. The sum of a row and a token is one chain, in which each multiply-add waits
// for the one before: it takes 8 chains side by side, 2 for each group and token, to use the machine.
template <class Load, int G, int N>
void tile(const Matrix& matrix, uint32_t g, const Activations& activations, uint32_t token,
          float* outputs, uint64_t stride) {
  const uint8_t* groups = matrix.data + uint64_t{g} * matrix.group_bytes;
  const float* values = activations.values + token * activations.value_stride;
  __m256 sum[G][2][N];
  for (auto& group : sum) {
    for (auto& half : group) {
      for (__m256& lanes : half) lanes = _mm256_setzero_ps();
    }
  }
  for (uint32_t column = 0; column < matrix.columns; ++column) {
#pragma GCC unroll 4
    for (uint32_t i = 0; i < G; ++i) {
      const uint8_t* at = groups + i * matrix.group_bytes + uint64_t{column} * 16 * Load::kBytes;
      const __m256 low = Load::load(at), high = Load::load(at + 8 * Load::kBytes);
#pragma GCC unroll 4
      for (uint32_t n = 0; n < N; ++n) {
        const __m256 value = _mm256_set1_ps(values[n * activations.value_stride + column]);
        sum[i][0][n] = _mm256_fmadd_ps(low, value, sum[i][0][n]);
        sum[i][1][n] = _mm256_fmadd_ps(high, value, sum[i][1][n]);
      }
    }
  }
  for (uint32_t i = 0; i < G; ++i) {
    for (uint32_t n = 0; n < N; ++n) {
      float* out = outputs + (token + n) * stride + uint64_t{g + i} * kGroupRows;
      _mm256_storeu_ps(out, sum[i][0][n]);
      _mm256_storeu_ps(out + 8, sum[i][1][n]);
    }
  }
}

// All groups times N tokens, G groups at a time.
template <class Load, int G, int N>
void pass(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
          const Activations& activations, uint32_t token, float* outputs, uint64_t stride) {
  uint32_t g = group_begin;
  for (; g + G <= group_end; g += G) {
    tile<Load, G, N>(matrix, g, activations, token, outputs, stride);
  }
  for (; g < group_end; ++g) tile<Load, 1, N>(matrix, g, activations, token, outputs, stride);
}

template <class Load>
void multiply(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
              const Activations& activations, float* outputs, uint64_t stride) {
  const uint32_t tokens = activations.tokens, fours = tokens & ~3u;
  for (uint32_t g = group_begin; g < group_end && fours > 0; ++g) {
    for (uint32_t token = 0; token < fours; token += 4) {
      tile<Load, 1, 4>(matrix, g, activations, token, outputs, stride);
    }
  }
  if (tokens & 2) {
    pass<Load, 2, 2>(matrix, group_begin, group_end, activations, fours, outputs, stride);
  }
  if (tokens & 1) {
    pass<Load, 4, 1>(matrix, group_begin, group_end, activations, tokens - 1, outputs, stride);
  }
}

}  // namespace

void add_avx2_multiply_floats(Kernels& kernels) {
  using gguf::TensorType;
  const auto set = [&kernels](TensorType type, Multiply function) {
    kernels.multiply[static_cast<uint32_t>(type)] = function;
  };
  set(TensorType::F32, multiply<LoadF32>);
  set(TensorType::F16, multiply<LoadF16>);
  set(TensorType::BF16, multiply<LoadBF16>);
}

}  // namespace sotto::kernels

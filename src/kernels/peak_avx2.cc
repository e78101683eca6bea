// The most that AVX2 can multiply and add, for benchmarks.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

constexpr int kChains = 10;  // independent sums; the inputs and a product must fit beside them

// AVX2 has no dot product of int8: pairs are summed in int16, then in int32.
uint64_t int8_peak(uint64_t rounds, uint32_t* sink) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_epi32(i);
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);
  for (uint64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) {
      asm volatile("" : "+x"(a), "+x"(b));  // unknown to the compiler: each product is made anew
      const __m256i pairs = _mm256_maddubs_epi16(a, b);
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs, ones));
    }
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
  *sink = static_cast<uint32_t>(_mm256_cvtsi256_si32(sums[0]));
  return rounds * kChains * 32 * 2;
}

uint64_t float_peak(uint64_t rounds, uint32_t* sink) {
  __m256 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm256_set1_ps(static_cast<float>(i));
  __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
  for (uint64_t round = 0; round < rounds; ++round) {
    asm volatile("" : "+x"(a), "+x"(b));
    for (int i = 0; i < kChains; ++i) sums[i] = _mm256_fmadd_ps(a, b, sums[i]);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm256_add_ps(sums[0], sums[i]);
  *sink = static_cast<uint32_t>(_mm256_cvtsi256_si32(_mm256_castps_si256(sums[0])));
  return rounds * kChains * 8 * 2;
}

}  // namespace

void add_avx2_peak(Kernels& kernels) {
  kernels.int8_peak = int8_peak;
  kernels.float_peak = float_peak;
}

}  // namespace sotto::kernels

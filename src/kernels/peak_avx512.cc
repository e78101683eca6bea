// The most that AVX-512 with VNNI can multiply and add, for benchmarks.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

constexpr int kChains = 12;  // independent sums: more than latency times throughput asks for

uint64_t int8_peak(uint64_t rounds, uint32_t* sink) {
  __m512i sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_epi32(i);
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
  for (uint64_t round = 0; round < rounds; ++round) {
    asm volatile("" : "+v"(a), "+v"(b));  // unknown to the compiler, so nothing is computed ahead
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  *sink = static_cast<uint32_t>(_mm512_reduce_add_epi32(sums[0]));
  return rounds * kChains * 64 * 2;
}

uint64_t float_peak(uint64_t rounds, uint32_t* sink) {
  __m512 sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
  for (uint64_t round = 0; round < rounds; ++round) {
    asm volatile("" : "+v"(a), "+v"(b));
    for (int i = 0; i < kChains; ++i) sums[i] = _mm512_fmadd_ps(a, b, sums[i]);
  }
  for (int i = 1; i < kChains; ++i) sums[0] = _mm512_add_ps(sums[0], sums[i]);
  *sink = static_cast<uint32_t>(_mm512_cvtsi512_si32(_mm512_castps_si512(sums[0])));
  return rounds * kChains * 16 * 2;
}

}  // namespace

void add_avx512_peak(Kernels& kernels) {
  kernels.int8_peak = int8_peak;
  kernels.float_peak = float_peak;
}

}  // namespace sotto::kernels

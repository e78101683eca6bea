// Helpers of the AVX2 files, in an anonymous namespace: the contract's 16 lanes as two registers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/float_constants.h"

namespace sotto::kernels {
namespace {

// 16 floats; lane i of the contract is lane i % 8 of `low` or `high`.
struct Pair {
  __m256 low, high;
};

[[maybe_unused]] inline Pair zero_pair() {
  return {_mm256_setzero_ps(), _mm256_setzero_ps()};
}
[[maybe_unused]] inline Pair set_pair(float value) {
  return {_mm256_set1_ps(value), _mm256_set1_ps(value)};
}
[[maybe_unused]] inline Pair add(Pair a, Pair b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
[[maybe_unused]] inline Pair sub(Pair a, Pair b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
[[maybe_unused]] inline Pair mul(Pair a, Pair b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
[[maybe_unused]] inline Pair fma(Pair a, Pair b, Pair c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}

// `count` floats, zeros in the lanes beyond them. An added zero changes no lane of a sum, because
// lanes start at +0 and so are never -0.
[[maybe_unused]] inline Pair load(const float* at, uint32_t count = 16) {
  if (count >= 16) return {_mm256_loadu_ps(at), _mm256_loadu_ps(at + 8)};
  float lanes[16] = {};
  __builtin_memcpy(lanes, at, count * sizeof(float));
  return {_mm256_loadu_ps(lanes), _mm256_loadu_ps(lanes + 8)};
}
[[maybe_unused]] inline void store(float* at, Pair value, uint32_t count = 16) {
  if (count >= 16) {
    _mm256_storeu_ps(at, value.low);
    _mm256_storeu_ps(at + 8, value.high);
    return;
  }
  float lanes[16];
  _mm256_storeu_ps(lanes, value.low);
  _mm256_storeu_ps(lanes + 8, value.high);
  __builtin_memcpy(at, lanes, count * sizeof(float));
}

// exp_reference() of 8 lanes.
[[maybe_unused]] inline __m256 exp8(__m256 x) {
  x = _mm256_min_ps(_mm256_set1_ps(kExpHighest), x);
  const __m256 vanishes = _mm256_cmp_ps(x, _mm256_set1_ps(kExpLowest), _CMP_LT_OQ);
  x = _mm256_max_ps(_mm256_set1_ps(kExpLowest), x);
  const __m256 magic = _mm256_set1_ps(kExpMagic);
  const __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(kLog2E), magic);
  const __m256 n = _mm256_sub_ps(shifted, magic);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(kLn2High), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(kLn2Low), r);
  __m256 p = _mm256_fmadd_ps(r, _mm256_set1_ps(kExp6), _mm256_set1_ps(kExp5));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kExp4));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kExp3));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(kExp2));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  const __m256i power = _mm256_slli_epi32(
      _mm256_add_epi32(_mm256_castps_si256(shifted),
                       _mm256_set1_epi32(127 - static_cast<int32_t>(kExpMagicBits))),
      23);
  return _mm256_andnot_ps(vanishes, _mm256_mul_ps(p, _mm256_castsi256_ps(power)));
}
[[maybe_unused]] inline Pair exp16(Pair x) {
  return {exp8(x.low), exp8(x.high)};
}

// tree_sum() of the 16 lanes.
[[maybe_unused]] inline float tree_sum16(Pair v) {
  const __m256 eight = _mm256_add_ps(v.low, v.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

// Four int8 or two int16 activations to all lanes.
[[maybe_unused]] inline __m256i broadcast_dword(const void* at) {
  int32_t dword;
  __builtin_memcpy(&dword, at, 4);
  return _mm256_set1_epi32(dword);
}

[[maybe_unused]] inline __m256 halves8(const void* at) {
  return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(at)));
}

}  // namespace
}  // namespace sotto::kernels

// Helpers of the AVX-512 files, in an anonymous namespace: no code is shared between such files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/float_constants.h"

namespace sotto::kernels {
namespace {

// A mask of the first `count` lanes, all 16 for more.
[[maybe_unused]] inline __mmask16 first_lanes(uint32_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffffu : (1u << count) - 1);
}

// exp_reference() of 16 lanes.
[[maybe_unused]] inline __m512 exp16(__m512 x) {
  x = _mm512_min_ps(_mm512_set1_ps(kExpHighest), x);
  const __mmask16 stays = _mm512_cmp_ps_mask(x, _mm512_set1_ps(kExpLowest), _CMP_NLT_UQ);
  x = _mm512_max_ps(_mm512_set1_ps(kExpLowest), x);
  const __m512 magic = _mm512_set1_ps(kExpMagic);
  const __m512 shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(kLog2E), magic);
  const __m512 n = _mm512_sub_ps(shifted, magic);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(kLn2High), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(kLn2Low), r);
  __m512 p = _mm512_fmadd_ps(r, _mm512_set1_ps(kExp6), _mm512_set1_ps(kExp5));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExp4));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExp3));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kExp2));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  const __m512i power = _mm512_slli_epi32(
      _mm512_add_epi32(_mm512_castps_si512(shifted),
                       _mm512_set1_epi32(127 - static_cast<int32_t>(kExpMagicBits))),
      23);
  return _mm512_maskz_mul_ps(stays, p, _mm512_castsi512_ps(power));
}

// tree_sum() of 16 lanes: _mm512_reduce_add_ps promises no order, so the folds are spelled out.
[[maybe_unused]] inline float tree_sum16(__m512 v) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

// Four int8 or two int16 activations to all lanes.
[[maybe_unused]] inline __m512i broadcast_dword(const void* at) {
  int32_t dword;
  __builtin_memcpy(&dword, at, 4);
  return _mm512_set1_epi32(dword);
}

}  // namespace
}  // namespace sotto::kernels

// Norms, activations and quantisation on AVX-512.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/avx512_math.h"
#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

// 256 quants' sums of 16, in order, one a lane.
__m512i sums_of_16(const int8_t* quants) {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sums = _mm512_setzero_si512();
  for (int i = 0; i < 4; ++i) {
    const __m512i line = _mm512_loadu_si512(quants + 64 * i);
    __m512i four = _mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, line);
    four = _mm512_add_epi32(four, _mm512_shuffle_epi32(four, _MM_PERM_BADC));
    four = _mm512_add_epi32(four, _mm512_shuffle_epi32(four, _MM_PERM_CDAB));
    sums = _mm512_mask_mov_epi32(sums, static_cast<__mmask16>(0x1111 << i), four);
  }
  // Lane 4j + i of `sums` is the sum of the quants from 64i + 16j on.
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  return _mm512_permutexvar_epi32(order, sums);
}

void put_sums(ActivationBlock& block) {
  const __m512i sums = sums_of_16(block.quants);
  const __m512i even = _mm512_set_epi32(14, 12, 10, 8, 6, 4, 2, 0, 14, 12, 10, 8, 6, 4, 2, 0);
  const __m512i pairs = _mm512_add_epi32(sums, _mm512_shuffle_epi32(sums, _MM_PERM_CDAB));
  const __m256i sums32 = _mm512_castsi512_si256(_mm512_permutexvar_epi32(even, pairs));
  const __m512i none = _mm512_setzero_si512();
  _mm512_store_si512(block.offsets16, _mm512_slli_epi32(_mm512_sub_epi32(none, sums), 7));
  _mm256_store_si256(reinterpret_cast<__m256i*>(block.sums16), _mm512_cvtepi32_epi16(sums));
  _mm256_store_si256(reinterpret_cast<__m256i*>(block.offsets32),
                     _mm256_slli_epi32(_mm256_sub_epi32(_mm256_setzero_si256(), sums32), 7));
  _mm_store_si128(reinterpret_cast<__m128i*>(block.sums32), _mm256_cvtepi32_epi16(sums32));
}

void quantize(const float* values, uint32_t columns, uint32_t block, ActivationBlock* out,
              uint64_t stride) {
  for (uint32_t first = 0; first < columns; first += block) {
    ActivationBlock& to = out[first / 256 * stride];
    const uint32_t start = first % 256;
    __m512i most = _mm512_setzero_si512();
    for (uint32_t i = first; i < first + block; i += 16) {
      const __m512i bits = _mm512_loadu_si512(values + i);
      most = _mm512_max_epu32(most, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
    }
    const uint32_t largest_bits = _mm512_reduce_max_epu32(most);
    float largest;
    __builtin_memcpy(&largest, &largest_bits, 4);
    float scale = 0, inverse = 0;
    if (largest_bits >= 0x7f800000) {
      scale = __builtin_nanf("");
    } else if (largest >= kQuantizeSmallest) {
      scale = largest / 127.0f;
      inverse = 127.0f / largest;
    }
    to.scales[start / block] = scale;
    const __mmask16 keep = inverse == 0 ? 0 : 0xffff;
    for (uint32_t i = 0; i < block; i += 16) {
      const __m512 scaled =
          _mm512_mul_ps(_mm512_loadu_ps(values + first + i), _mm512_set1_ps(inverse));
      const __m512i quant = _mm512_maskz_cvtps_epi32(keep, scaled);
      _mm_store_si128(reinterpret_cast<__m128i*>(to.quants + start + i),
                      _mm512_cvtepi32_epi8(quant));
    }
    if (start + block == 256) put_sums(to);
  }
  const uint32_t rest = columns % 256;
  if (rest == 0) return;
  ActivationBlock& last = out[columns / 256 * stride];
  for (uint32_t i = rest; i < 256; ++i) last.quants[i] = 0;
  put_sums(last);
}

// lanes + value^2, in the lanes of `mask` only: an absent element must not even add a zero.
inline __m512 add_square(__m512 lanes, __mmask16 mask, __m512 value) {
  return _mm512_mask3_fmadd_ps(value, value, lanes, mask);
}

// 1 / sqrt(sum of lanes / count + epsilon)
inline float inverse_root(__m512 lanes, uint32_t count, float epsilon) {
  const float mean = tree_sum16(lanes) / static_cast<float>(count);
  const __m128 root = _mm_sqrt_ss(_mm_set_ss(mean + epsilon));
  return 1.0f / _mm_cvtss_f32(root);
}

void rms_norm(const float* x, const float* weight, uint32_t count, float epsilon, float* out) {
  __m512 lanes = _mm512_setzero_ps();
  for (uint32_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    lanes = add_square(lanes, mask, _mm512_maskz_loadu_ps(mask, x + i));
  }
  const __m512 inverse = _mm512_set1_ps(inverse_root(lanes, count, epsilon));
  for (uint32_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), inverse);
    const __m512 value = _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(mask, weight + i));
    _mm512_mask_storeu_ps(out + i, mask, value);
  }
}

void layer_norm(const float* x, const float* weight, const float* bias, uint32_t count,
                float epsilon, float* out) {
  __m512 lanes = _mm512_setzero_ps();
  for (uint32_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    lanes = _mm512_mask_add_ps(lanes, mask, lanes, _mm512_maskz_loadu_ps(mask, x + i));
  }
  const __m512 mean = _mm512_set1_ps(tree_sum16(lanes) / static_cast<float>(count));
  lanes = _mm512_setzero_ps();
  for (uint32_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    lanes = add_square(lanes, mask, _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), mean));
  }
  const __m512 inverse = _mm512_set1_ps(inverse_root(lanes, count, epsilon));
  for (uint32_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    const __m512 centred = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), mean);
    const __m512 value =
        _mm512_fmadd_ps(_mm512_mul_ps(centred, inverse), _mm512_maskz_loadu_ps(mask, weight + i),
                        _mm512_maskz_loadu_ps(mask, bias + i));
    _mm512_mask_storeu_ps(out + i, mask, value);
  }
}

// x / (1 + exp(-t))
inline __m512 gated(__m512 x, __m512 t) {
  const __m512 negated = _mm512_xor_ps(t, _mm512_set1_ps(-0.0f));
  return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0f), exp16(negated)));
}

void silu_multiply(const float* gate, const float* up, uint32_t count, float* out) {
  for (uint32_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    const __m512 x = _mm512_maskz_loadu_ps(mask, gate + i);
    const __m512 value = _mm512_mul_ps(gated(x, x), _mm512_maskz_loadu_ps(mask, up + i));
    _mm512_mask_storeu_ps(out + i, mask, value);
  }
}

void gelu(float* x, uint32_t count) {
  for (uint32_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    const __m512 value = _mm512_maskz_loadu_ps(mask, x + i);
    const __m512 slope = _mm512_fmadd_ps(_mm512_set1_ps(kGelu3), _mm512_mul_ps(value, value),
                                         _mm512_set1_ps(kGelu1));
    _mm512_mask_storeu_ps(x + i, mask, gated(value, _mm512_mul_ps(value, slope)));
  }
}

void to_half(const float* x, uint32_t count, uint16_t* out) {
  for (uint32_t i = 0; i < count; i += 16) {
    const __mmask16 mask = first_lanes(count - i);
    const __m256i halves =
        _mm512_cvtps_ph(_mm512_maskz_loadu_ps(mask, x + i), _MM_FROUND_TO_NEAREST_INT);
    _mm256_mask_storeu_epi16(out + i, mask, halves);
  }
}

}  // namespace

void add_avx512_vector(Kernels& kernels) {
  kernels.quantize = quantize;
  kernels.rms_norm = rms_norm;
  kernels.layer_norm = layer_norm;
  kernels.silu_multiply = silu_multiply;
  kernels.gelu = gelu;
  kernels.to_half = to_half;
}

}  // namespace sotto::kernels

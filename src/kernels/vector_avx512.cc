// Norms, activations and quantisation on AVX-512.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/avx512_math.h"
#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

void quantize(const float* values, uint32_t columns, uint32_t block, int8_t* quants, float* scales,
              int16_t* sums) {
  for (uint32_t first = 0; first < columns; first += block) {
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
    scales[first / block] = scale;
    const __mmask16 keep = inverse == 0 ? 0 : 0xffff;
    for (uint32_t i = first; i < first + block; i += 16) {
      const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(values + i), _mm512_set1_ps(inverse));
      const __m512i quant = _mm512_maskz_cvtps_epi32(keep, scaled);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(quants + i), _mm512_cvtepi32_epi8(quant));
      sums[i / 16] = static_cast<int16_t>(_mm512_reduce_add_epi32(quant));
    }
  }
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

}  // namespace

void add_avx512_vector(Kernels& kernels) {
  kernels.quantize = quantize;
  kernels.rms_norm = rms_norm;
  kernels.layer_norm = layer_norm;
  kernels.silu_multiply = silu_multiply;
  kernels.gelu = gelu;
}

}  // namespace sotto::kernels

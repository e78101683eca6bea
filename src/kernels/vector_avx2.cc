// Norms, activations and quantisation on AVX2.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/avx2_math.h"
#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

uint32_t largest_magnitude_bits(const float* values, uint32_t count) {
  __m256i most = _mm256_setzero_si256();
  for (uint32_t i = 0; i < count; i += 8) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i));
    most = _mm256_max_epu32(most, _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff)));
  }
  alignas(32) uint32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), most);
  uint32_t largest = 0;
  for (const uint32_t lane : lanes) largest = lane > largest ? lane : largest;
  return largest;
}

// 16 values to int8; returns their sum.
int32_t quantize16(const float* values, float inverse, int8_t* quants) {
  const __m256 scale = _mm256_set1_ps(inverse);
  const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(values), scale));
  const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(values + 8), scale));
  // Packing works in 128-bit halves: [low 0-3, high 0-3 | low 4-7, high 4-7] is put in order.
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
  const __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(quants), bytes);
  const __m256i sums = _mm256_madd_epi16(words, _mm256_set1_epi16(1));
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

void put_sums(ActivationBlock& block, uint32_t sub_block, const int32_t (&sums)[2]) {
  for (uint32_t half = 0; half < 2; ++half) {
    block.sums16[2 * sub_block + half] = static_cast<int16_t>(sums[half]);
    block.offsets16[2 * sub_block + half] = -128 * sums[half];
  }
  block.sums32[sub_block] = static_cast<int16_t>(sums[0] + sums[1]);
  block.offsets32[sub_block] = -128 * (sums[0] + sums[1]);
}

void quantize(const float* values, uint32_t columns, uint32_t block, ActivationBlock* out,
              uint64_t stride) {
  for (uint32_t first = 0; first < columns; first += block) {
    ActivationBlock& to = out[first / 256 * stride];
    const uint32_t start = first % 256;
    const uint32_t largest_bits = largest_magnitude_bits(values + first, block);
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
    for (uint32_t i = 0; i < block; i += 32) {
      int32_t sums[2] = {};
      int8_t* quants = to.quants + start + i;
      __builtin_memset(quants, 0, 32);
      for (uint32_t half = 0; half < 2 && inverse != 0; ++half) {
        sums[half] = quantize16(values + first + i + 16 * half, inverse, quants + 16 * half);
      }
      put_sums(to, (start + i) / 32, sums);
    }
  }
}

// 1 / sqrt(sum of lanes / count + epsilon)
float inverse_root(Pair lanes, uint32_t count, float epsilon) {
  const float mean = tree_sum16(lanes) / static_cast<float>(count);
  const __m128 root = _mm_sqrt_ss(_mm_set_ss(mean + epsilon));
  return 1.0f / _mm_cvtss_f32(root);
}

void rms_norm(const float* x, const float* weight, uint32_t count, float epsilon, float* out) {
  Pair lanes = zero_pair();
  for (uint32_t i = 0; i < count; i += 16) {
    const Pair value = load(x + i, count - i);
    lanes = fma(value, value, lanes);
  }
  const Pair inverse = set_pair(inverse_root(lanes, count, epsilon));
  for (uint32_t i = 0; i < count; i += 16) {
    const Pair scaled = mul(load(x + i, count - i), inverse);
    store(out + i, mul(scaled, load(weight + i, count - i)), count - i);
  }
}

void layer_norm(const float* x, const float* weight, const float* bias, uint32_t count,
                float epsilon, float* out) {
  Pair lanes = zero_pair();
  for (uint32_t i = 0; i < count; i += 16) lanes = add(lanes, load(x + i, count - i));
  const float mean = tree_sum16(lanes) / static_cast<float>(count);
  lanes = zero_pair();
  for (uint32_t i = 0; i < count; i += 16) {
    // Lanes beyond the end must centre to zero, so the mean is loaded with the same length.
    float means[16];
    for (float& value : means) value = mean;
    const Pair centred = sub(load(x + i, count - i), load(means, count - i));
    lanes = fma(centred, centred, lanes);
  }
  const Pair inverse = set_pair(inverse_root(lanes, count, epsilon));
  for (uint32_t i = 0; i < count; i += 16) {
    const Pair centred = sub(load(x + i, count - i), set_pair(mean));
    const Pair value =
        fma(mul(centred, inverse), load(weight + i, count - i), load(bias + i, count - i));
    store(out + i, value, count - i);
  }
}

// x / (1 + exp(-t))
__m256 gated(__m256 x, __m256 t) {
  const __m256 negated = _mm256_xor_ps(t, _mm256_set1_ps(-0.0f));
  return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0f), exp8(negated)));
}

void silu_multiply(const float* gate, const float* up, uint32_t count, float* out) {
  for (uint32_t i = 0; i < count; i += 16) {
    const Pair x = load(gate + i, count - i);
    const Pair value = {gated(x.low, x.low), gated(x.high, x.high)};
    store(out + i, mul(value, load(up + i, count - i)), count - i);
  }
}

void gelu(float* x, uint32_t count) {
  for (uint32_t i = 0; i < count; i += 16) {
    const Pair value = load(x + i, count - i);
    const Pair slope = fma(set_pair(kGelu3), mul(value, value), set_pair(kGelu1));
    const Pair t = mul(value, slope);
    store(x + i, {gated(value.low, t.low), gated(value.high, t.high)}, count - i);
  }
}

void to_half(const float* x, uint32_t count, uint16_t* out) {
  uint32_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), halves);
  }
  for (; i < count; ++i) {
    const __m128i half = _mm_cvtps_ph(_mm_set_ss(x[i]), _MM_FROUND_TO_NEAREST_INT);
    out[i] = static_cast<uint16_t>(_mm_cvtsi128_si32(half));
  }
}

}  // namespace

void add_avx2_vector(Kernels& kernels) {
  kernels.quantize = quantize;
  kernels.rms_norm = rms_norm;
  kernels.layer_norm = layer_norm;
  kernels.silu_multiply = silu_multiply;
  kernels.gelu = gelu;
  kernels.to_half = to_half;
}

}  // namespace sotto::kernels

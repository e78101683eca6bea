// Attention over one page on AVX-512: positions across the lanes for scores, elements for values.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/avx512_math.h"
#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

constexpr int kQueries =
    6;  // taken together, so that a key or value is loaded once for all of them

inline __m512 halves(const uint8_t* at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}

inline float half_at(const uint8_t* at) {
  uint16_t half;
  __builtin_memcpy(&half, at, 2);
  return _cvtsh_ss(half);
}

struct Scores {
  alignas(64) float values[kQueries][kPagePositions];
};

// Scores of N queries against the first `tiles` tiles of half-precision keys.
template <int N>
void score_f16(const PageView& page, const Queries& queries, uint32_t query, uint32_t tiles,
               Scores& scores) {
  const float* values = queries.values + uint64_t{query} * page.width;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint8_t* keys = page.keys + uint64_t{tile} * page.width * kTileRows * 2;
    __m512 score[N];
    for (int n = 0; n < N; ++n) score[n] = _mm512_setzero_ps();
    for (uint32_t i = 0; i < page.width; ++i) {
      const __m512 key = halves(keys + uint64_t{i} * kTileRows * 2);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const __m512 value = _mm512_set1_ps(values[uint64_t(n) * page.width + i]);
        score[n] = _mm512_fmadd_ps(value, key, score[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm512_store_ps(scores.values[n] + tile * kTileRows, score[n]);
  }
}

// The same against int8 keys; 128 is added to make them the unsigned side, and taken off through
// the sum of the query's quants.
template <int N>
void score_q8(const PageView& page, const Queries& queries, uint32_t query, uint32_t tiles,
              Scores& scores) {
  const uint32_t blocks = page.width / 32;
  const uint8_t* key_scales = page.keys + uint64_t{kPagePositions} * page.width;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  const uint64_t input_stride = activation_blocks(page.width);
  const ActivationBlock* input = queries.blocks + query * input_stride;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    __m512 score[N];
    for (int n = 0; n < N; ++n) score[n] = _mm512_setzero_ps();
    for (uint32_t b = 0; b < blocks; ++b) {
      const uint8_t* keys = page.keys + (uint64_t{tile} * page.width + 32 * b) * kTileRows;
      __m512i dot[N], sum[N];
      for (int n = 0; n < N; ++n) dot[n] = sum[n] = _mm512_setzero_si512();
      for (uint32_t quad = 0; quad < 8; ++quad) {
        const __m512i key = _mm512_xor_si512(_mm512_loadu_si512(keys + 64 * quad), flip);
#pragma GCC unroll 8
        for (int n = 0; n < N; ++n) {
          const int8_t* at = input[n * input_stride + b / 8].quants + b % 8 * 32 + 4 * quad;
          const __m512i value = broadcast_dword(at);
          dot[n] = _mm512_dpbusd_epi32(dot[n], key, value);
          sum[n] = _mm512_dpbusd_epi32(sum[n], flip, value);
        }
      }
      const __m512 scale = halves(key_scales + (uint64_t{tile} * blocks + b) * kTileRows * 2);
      for (int n = 0; n < N; ++n) {
        const __m512 exact = _mm512_cvtepi32_ps(_mm512_sub_epi32(dot[n], sum[n]));
        const __m512 query_scale = _mm512_set1_ps(input[n * input_stride + b / 8].scales[b % 8]);
        score[n] = _mm512_fmadd_ps(query_scale, _mm512_mul_ps(scale, exact), score[n]);
      }
    }
    for (int n = 0; n < N; ++n) _mm512_store_ps(scores.values[n] + tile * kTileRows, score[n]);
  }
}

void add_distance_bias(const Queries& queries, uint32_t query, uint32_t tiles, float* scores) {
  const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512 slope = _mm512_set1_ps(queries.slopes[query]);
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const int32_t first = static_cast<int32_t>(tile * kTileRows) - queries.offsets[query];
    const __m512 distance = _mm512_cvtepi32_ps(_mm512_add_epi32(lanes, _mm512_set1_epi32(first)));
    float* at = scores + tile * kTileRows;
    _mm512_store_ps(at, _mm512_fmadd_ps(slope, distance, _mm512_load_ps(at)));
  }
}

// One query's scores to weights exp(score - largest), in place.
void weigh(uint32_t visible, float* scores, float& largest, float& sum) {
  const uint32_t tiles = (visible + kTileRows - 1) / kTileRows;
  __m512 most = _mm512_set1_ps(-__builtin_inff());
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const __mmask16 mask = first_lanes(visible - tile * kTileRows);
    most = _mm512_mask_max_ps(most, mask, most, _mm512_load_ps(scores + tile * kTileRows));
  }
  largest = _mm512_reduce_max_ps(most);
  __m512 lanes = _mm512_setzero_ps();
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const __mmask16 mask = first_lanes(visible - tile * kTileRows);
    const __m512 score = _mm512_load_ps(scores + tile * kTileRows);
    const __m512 weight = exp16(_mm512_sub_ps(score, _mm512_set1_ps(largest)));
    lanes = _mm512_mask_add_ps(lanes, mask, lanes, weight);
    _mm512_store_ps(scores + tile * kTileRows, weight);
  }
  sum = tree_sum16(lanes);
}

// 16 (or at the end fewer) elements of one position's values.
struct ValueLoader {
  const PageView& page;
  uint32_t first;  // element
  __mmask16 mask;

  __m512 values(uint32_t position) const {
    const uint64_t element = uint64_t{position} * page.value_width + first;
    if (page.type == KvType::F16) {
      return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, page.values + 2 * element));
    }
    const __m128i bytes = _mm_maskz_loadu_epi8(mask, page.values + element);
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
  }
  float scale(uint32_t position) const {
    const uint64_t block = (uint64_t{position} * page.value_width + first) / 32;
    return half_at(page.values + uint64_t{kPagePositions} * page.value_width + 2 * block);
  }
};

template <int N, KvType type>
void accumulate(const PageView& page, const Queries& queries, uint32_t query, const Scores& scores,
                float* outputs) {
  uint32_t common = kPagePositions;  // positions that all N queries see
  for (int n = 0; n < N; ++n) {
    const uint32_t visible = queries.visible[query + n];
    if (visible < common) common = visible;
  }
  for (uint32_t first = 0; first < page.value_width; first += 16) {
    const ValueLoader loader{page, first, first_lanes(page.value_width - first)};
    const auto weight = [&](int n, uint32_t position) {
      const float plain = scores.values[n][position];
      return type == KvType::F16 ? plain : plain * loader.scale(position);
    };
    __m512 out[N];
    for (int n = 0; n < N; ++n) out[n] = _mm512_setzero_ps();
    for (uint32_t position = 0; position < common; ++position) {
      const __m512 value = loader.values(position);
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        out[n] = _mm512_fmadd_ps(_mm512_set1_ps(weight(n, position)), value, out[n]);
      }
    }
    for (int n = 0; n < N; ++n) {
      for (uint32_t position = common; position < queries.visible[query + n]; ++position) {
        const __m512 value = loader.values(position);
        out[n] = _mm512_fmadd_ps(_mm512_set1_ps(weight(n, position)), value, out[n]);
      }
      float* at = outputs + uint64_t{query + n} * page.value_width + first;
      _mm512_mask_storeu_ps(at, loader.mask, out[n]);
    }
  }
}

template <int N>
void attend_some(const PageView& page, const Queries& queries, uint32_t query,
                 const Partials& out) {
  uint32_t most = 0;
  for (int n = 0; n < N; ++n) {
    if (queries.visible[query + n] > most) most = queries.visible[query + n];
  }
  const uint32_t tiles = (most + kTileRows - 1) / kTileRows;
  Scores scores;
  if (page.type == KvType::F16) {
    score_f16<N>(page, queries, query, tiles, scores);
  } else {
    score_q8<N>(page, queries, query, tiles, scores);
  }
  for (int n = 0; n < N; ++n) {
    if (queries.slopes != nullptr) add_distance_bias(queries, query + n, tiles, scores.values[n]);
    weigh(queries.visible[query + n], scores.values[n], out.largest[query + n],
          out.sums[query + n]);
  }
  if (page.type == KvType::F16) {
    accumulate<N, KvType::F16>(page, queries, query, scores, out.outputs);
  } else {
    accumulate<N, KvType::Q8_0>(page, queries, query, scores, out.outputs);
  }
}

void attend(const PageView& page, const Queries& queries, const Partials& out) {
  uint32_t query = 0;
  for (; query + kQueries <= queries.count; query += kQueries) {
    attend_some<kQueries>(page, queries, query, out);
  }
  switch (queries.count - query) {
    case 5:
      attend_some<5>(page, queries, query, out);
      break;
    case 4:
      attend_some<4>(page, queries, query, out);
      break;
    case 3:
      attend_some<3>(page, queries, query, out);
      break;
    case 2:
      attend_some<2>(page, queries, query, out);
      break;
    case 1:
      attend_some<1>(page, queries, query, out);
      break;
    default:
      break;
  }
}

void merge(uint32_t count, uint32_t value_width, const Partials& into, const Partials& next) {
  for (uint32_t query = 0; query < count; ++query) {
    const float before = into.largest[query], after = next.largest[query];
    const float largest = after > before ? after : before;
    const __m512 both =
        exp16(_mm512_sub_ps(_mm512_mask_blend_ps(1, _mm512_set1_ps(after), _mm512_set1_ps(before)),
                            _mm512_set1_ps(largest)));
    const __m512 keep = _mm512_broadcastss_ps(_mm512_castps512_ps128(both));
    const __m512 add = _mm512_permutexvar_ps(_mm512_set1_epi32(1), both);
    const __m512 sum = _mm512_fmadd_ps(_mm512_set1_ps(into.sums[query]), keep,
                                       _mm512_mul_ps(_mm512_set1_ps(next.sums[query]), add));
    into.largest[query] = largest;
    into.sums[query] = _mm512_cvtss_f32(sum);
    float* kept = into.outputs + uint64_t{query} * value_width;
    const float* added = next.outputs + uint64_t{query} * value_width;
    for (uint32_t i = 0; i < value_width; i += 16) {
      const __mmask16 mask = first_lanes(value_width - i);
      const __m512 share = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, added + i), add);
      const __m512 merged = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, kept + i), keep, share);
      _mm512_mask_storeu_ps(kept + i, mask, merged);
    }
  }
}

}  // namespace

void add_avx512_attention(Kernels& kernels) {
  kernels.attend = attend;
  kernels.merge = merge;
}

}  // namespace sotto::kernels

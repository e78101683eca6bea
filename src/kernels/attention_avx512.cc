// Attention over one page on AVX-512: positions across the lanes for scores, elements for values.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/avx512_math.h"
#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

constexpr uint32_t kTogether = 12;  // queries that share every key and value that is widened

inline __m512 halves(const uint8_t* at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}

// Scores, then weights, of one query after the other.
using Scores = float[kTogether][kPagePositions];

// Brings what comes next nearer, a little with each step of the work at hand.
struct Ahead {
  const uint8_t* at;
  const uint8_t* end;

  void step(int lines) {
    if (at >= end) return;
    for (int i = 0; i < lines; ++i) {
      _mm_prefetch(reinterpret_cast<const char*>(at + 64 * i), _MM_HINT_T1);
    }
    at += 64 * lines;
  }
};

// How many tiles of keys, or vectors of values, meet N queries at a time. One multiply-add must not
// wait for the one before it; seven and more, each with its own broadcast operand, never do.
constexpr int taken_at_once(int queries) {
  return queries < 7 ? 4 : 1;
}

// Scores of N queries against the first `tiles` tiles of half-precision keys.
template <int N>
void score_f16(const PageView& page, const Queries& queries, uint32_t query, uint32_t tiles,
               Scores& scores, Ahead& ahead) {
  constexpr int T = taken_at_once(N);
  const float* values = queries.values + uint64_t{query} * page.width;
  const uint64_t tile_bytes = uint64_t{page.width} * kTileRows * 2;
  for (uint32_t tile = 0; tile < tiles; tile += T) {
    const uint8_t* keys = page.keys + tile * tile_bytes;
    __m512 score[N][T];
    for (int n = 0; n < N; ++n) {
      for (int t = 0; t < T; ++t) score[n][t] = _mm512_setzero_ps();
    }
    for (uint32_t i = 0; i < page.width; ++i) {
      ahead.step(T > 1 ? 2 : 1);
      __m512 key[T];
#pragma GCC unroll 4
      for (int t = 0; t < T; ++t) {
        key[t] = halves(keys + static_cast<uint32_t>(t) * tile_bytes + uint64_t{i} * kTileRows * 2);
      }
#pragma GCC unroll 12
      for (int n = 0; n < N; ++n) {
        const __m512 value = _mm512_set1_ps(values[uint64_t(n) * page.width + i]);
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) score[n][t] = _mm512_fmadd_ps(value, key[t], score[n][t]);
      }
    }
    for (int n = 0; n < N; ++n) {
      for (int t = 0; t < T; ++t) {
        _mm512_store_ps(scores[n] + (tile + static_cast<uint32_t>(t)) * kTileRows, score[n][t]);
      }
    }
  }
}

// The greatest number of positions that any of `count` queries sees, in tiles.
inline uint32_t tiles_seen(const uint32_t* visible, uint32_t count) {
  uint32_t most = 0;
  for (uint32_t n = 0; n < count; ++n) most = visible[n] > most ? visible[n] : most;
  return (most + kTileRows - 1) / kTileRows;
}

// The same against int8 keys; 128 is added to make them the unsigned side, and taken off through the
// query's sums, with which the products begin.
template <int N>
void score_q8(const PageView& page, const Queries& queries, uint32_t query, uint32_t tiles,
              Scores& scores, Ahead& ahead) {
  constexpr int T = N < 5 ? 2 : 1;
  const uint32_t blocks = page.width / 32;
  const uint64_t input_stride = activation_blocks(page.width);
  const ActivationBlock* input = queries.blocks + query * input_stride;
  const uint64_t tile_bytes = uint64_t{page.width} * kTileRows;
  const uint8_t* key_scales = page.keys + uint64_t{kPagePositions} * page.width;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  for (uint32_t tile = 0; tile < tiles; tile += T) {
    __m512 score[N][T];
    for (int n = 0; n < N; ++n) {
      for (int t = 0; t < T; ++t) score[n][t] = _mm512_setzero_ps();
    }
    for (uint32_t b = 0; b < blocks; ++b) {
      const uint8_t* keys = page.keys + tile * tile_bytes + uint64_t{32 * b} * kTileRows;
      const ActivationBlock* from = input + b / 8;
      const int8_t* quants = from->quants + b % 8 * 32;
      __m512i dot[N][T];
      for (int n = 0; n < N; ++n) {
        for (int t = 0; t < T; ++t) {
          dot[n][t] = _mm512_set1_epi32(from[uint64_t(n) * input_stride].offsets32[b % 8]);
        }
      }
#pragma GCC unroll 8
      for (uint32_t quad = 0; quad < 8; ++quad) {
        ahead.step(2);
        __m512i key[T];
        for (int t = 0; t < T; ++t) {
          const uint8_t* at = keys + static_cast<uint32_t>(t) * tile_bytes + 64 * quad;
          key[t] = _mm512_xor_si512(_mm512_loadu_si512(at), flip);
        }
#pragma GCC unroll 12
        for (int n = 0; n < N; ++n) {
          const __m512i value = broadcast_dword(
              quants + uint64_t(n) * input_stride * sizeof(ActivationBlock) + 4 * quad);
#pragma GCC unroll 2
          for (int t = 0; t < T; ++t) dot[n][t] = _mm512_dpbusd_epi32(dot[n][t], key[t], value);
        }
      }
      for (int t = 0; t < T; ++t) {
        const uint64_t scale_tile = tile + static_cast<uint32_t>(t);
        const __m512 scale = halves(key_scales + (scale_tile * blocks + b) * kTileRows * 2);
        for (int n = 0; n < N; ++n) {
          const float query_scale = from[uint64_t(n) * input_stride].scales[b % 8];
          const __m512 product = _mm512_mul_ps(scale, _mm512_cvtepi32_ps(dot[n][t]));
          score[n][t] = _mm512_fmadd_ps(_mm512_set1_ps(query_scale), product, score[n][t]);
        }
      }
    }
    for (int n = 0; n < N; ++n) {
      for (int t = 0; t < T; ++t) {
        _mm512_store_ps(scores[n] + (tile + static_cast<uint32_t>(t)) * kTileRows, score[n][t]);
      }
    }
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
template <KvType type>
inline __m512 load_values(const uint8_t* at, __mmask16 mask) {
  if (type == KvType::F16) return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, at));
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));  // always whole
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

// `weights` times the scales of all positions' values in one block of 32.
template <int N>
void scale_weights(const PageView& page, uint32_t block, const Scores& weights, Scores& scaled) {
  const uint8_t* scales = page.values + uint64_t{kPagePositions} * page.value_width +
                          uint64_t{block} * kPagePositions * 2;
  for (uint32_t position = 0; position < kPagePositions; position += 16) {
    const __m512 scale = halves(scales + 2 * position);
    for (int n = 0; n < N; ++n) {
      _mm512_store_ps(scaled[n] + position,
                      _mm512_mul_ps(_mm512_load_ps(weights[n] + position), scale));
    }
  }
}

// The sums of 16 * E elements of the values from `at` on, weighted for N queries.
template <int N, int E, KvType type>
void sum_values(const uint8_t* at, uint64_t row_bytes, uint32_t elements, const Scores& weights,
                const uint32_t* visible, float* outputs, uint64_t stride, Ahead& ahead) {
  constexpr uint32_t kBytes = type == KvType::F16 ? 32 : 16;  // of 16 elements
  __mmask16 mask[E];
  for (uint32_t e = 0; e < E; ++e) {
    mask[e] = first_lanes(elements > 16 * e ? elements - 16 * e : 0);
  }
  uint32_t common = kPagePositions;  // positions that all N queries see
  for (int n = 0; n < N; ++n) common = visible[n] < common ? visible[n] : common;
  __m512 out[N][E];
  for (int n = 0; n < N; ++n) {
    for (int e = 0; e < E; ++e) out[n][e] = _mm512_setzero_ps();
  }
  for (uint32_t position = 0; position < common; ++position) {
    ahead.step(E > 1 ? 2 : 1);
    __m512 value[E];
#pragma GCC unroll 4
    for (uint32_t e = 0; e < E; ++e) {
      value[e] = load_values<type>(at + position * row_bytes + e * kBytes, mask[e]);
    }
#pragma GCC unroll 12
    for (int n = 0; n < N; ++n) {
      const __m512 weight = _mm512_set1_ps(weights[n][position]);
#pragma GCC unroll 4
      for (int e = 0; e < E; ++e) out[n][e] = _mm512_fmadd_ps(weight, value[e], out[n][e]);
    }
  }
#pragma GCC unroll 12
  for (int n = 0; n < N; ++n) {
    for (uint32_t position = common; position < visible[n]; ++position) {
      const __m512 weight = _mm512_set1_ps(weights[n][position]);
      for (uint32_t e = 0; e < E; ++e) {
        const __m512 value = load_values<type>(at + position * row_bytes + e * kBytes, mask[e]);
        out[n][e] = _mm512_fmadd_ps(weight, value, out[n][e]);
      }
    }
    for (uint32_t e = 0; e < E; ++e) {
      _mm512_mask_storeu_ps(outputs + uint64_t(n) * stride + 16 * e, mask[e], out[n][e]);
    }
  }
}

template <int N>
void accumulate_f16(const PageView& page, const uint32_t* visible, const Scores& weights,
                    float* outputs, Ahead& ahead) {
  constexpr int E = taken_at_once(N);
  for (uint32_t first = 0; first < page.value_width; first += 16 * E) {
    sum_values<N, E, KvType::F16>(page.values + 2 * first, uint64_t{page.value_width} * 2,
                                  page.value_width - first, weights, visible, outputs + first,
                                  page.value_width, ahead);
  }
}

template <int N>
void accumulate_q8(const PageView& page, const uint32_t* visible, const Scores& weights,
                   float* outputs, Ahead& ahead) {
  constexpr int E = N < 5 ? 2 : 1;  // both within a block of 32, which shares its scales
  alignas(64) Scores scaled;
  for (uint32_t first = 0; first < page.value_width; first += 16 * E) {
    if (first % 32 == 0) scale_weights<N>(page, first / 32, weights, scaled);
    sum_values<N, E, KvType::Q8_0>(page.values + first, page.value_width, page.value_width - first,
                                   scaled, visible, outputs + first, page.value_width, ahead);
  }
}

template <int N>
void attend_some(const PageView& page, const Queries& queries, uint32_t query, const Partials& out,
                 Ahead& ahead) {
  const uint32_t* visible = queries.visible + query;
  float* outputs = out.outputs + uint64_t{query} * page.value_width;
  const uint32_t tiles = tiles_seen(visible, N);
  alignas(64) Scores scores;
  if (page.type == KvType::F16) {
    score_f16<N>(page, queries, query, tiles, scores, ahead);
  } else {
    score_q8<N>(page, queries, query, tiles, scores, ahead);
  }
  for (uint32_t n = 0; n < N; ++n) {
    if (queries.slopes != nullptr) add_distance_bias(queries, query + n, tiles, scores[n]);
    weigh(visible[n], scores[n], out.largest[query + n], out.sums[query + n]);
  }
  if (page.type == KvType::F16) {
    accumulate_f16<N>(page, visible, scores, outputs, ahead);
  } else {
    accumulate_q8<N>(page, visible, scores, outputs, ahead);
  }
}

using AttendSome = void (*)(const PageView&, const Queries&, uint32_t, const Partials&, Ahead&);
constexpr AttendSome kAttendSome[kTogether + 1] = {
    nullptr,         attend_some<1>,  attend_some<2>, attend_some<3>, attend_some<4>,
    attend_some<5>,  attend_some<6>,  attend_some<7>, attend_some<8>, attend_some<9>,
    attend_some<10>, attend_some<11>, attend_some<12>};

void attend(const PageView& page, const Queries& queries, const Partials& out) {
  Ahead ahead{page.ahead, page.ahead == nullptr ? nullptr : page.ahead + page.ahead_bytes};
  for (uint32_t query = 0; query < queries.count;) {
    // Even shares, so that the last is not small.
    const uint32_t left = queries.count - query, shares = (left + kTogether - 1) / kTogether;
    const uint32_t share = (left + shares - 1) / shares;
    kAttendSome[share](page, queries, query, out, ahead);
    query += share;
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

// Attention over one page on AVX-512: positions across the lanes for scores, elements for values.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/avx512_math.h"
#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

constexpr uint32_t kBatch = 48;     // queries for which keys and values are widened once
constexpr uint32_t kTogether = 12;  // queries that share a register of keys or values; for no more
                                    // than these, both are widened on the way, without a copy
constexpr uint32_t kColumns = 128;  // of two tiles of keys, widened at a time
constexpr uint32_t kElements = 32;  // of all positions' values, widened at a time

inline __m512 halves(const uint8_t* at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}

// Scores, then weights, of one query after the other.
using Scores = float[kBatch][kPagePositions];

// Brings what comes next nearer, a little with each step of the work at hand.
struct Ahead {
  const uint8_t* at;
  const uint8_t* end;

  void step() {
    if (at >= end) return;
    _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T1);
    _mm_prefetch(reinterpret_cast<const char*>(at + 64), _MM_HINT_T1);
    at += 128;
  }
};

// Tiles of keys as they lie in the page.
struct HalfKeys {
  const uint8_t* at;
  uint64_t tile_bytes;
  __m512 load(uint32_t tile, uint32_t column) const {
    return halves(at + tile * tile_bytes + uint64_t{column} * kTileRows * 2);
  }
};

// Two tiles of widened keys.
struct WideKeys {
  const float* at;  // [column][2][16]
  __m512 load(uint32_t tile, uint32_t column) const {
    return _mm512_load_ps(at + (uint64_t{column} * 2 + tile) * kTileRows);
  }
};

// Scores of N queries, `stride` apart, against T tiles; `first` columns start them, later ones go on.
template <int N, int T, class Keys>
void score_f16(const Keys& keys, const float* queries, uint64_t stride, uint32_t columns,
               bool first, float* scores, Ahead& ahead) {
  __m512 score[N][T];
  for (int n = 0; n < N; ++n) {
    for (int t = 0; t < T; ++t) {
      const float* at = scores + n * kPagePositions + t * kTileRows;
      score[n][t] = first ? _mm512_setzero_ps() : _mm512_load_ps(at);
    }
  }
  for (uint32_t i = 0; i < columns; ++i) {
    ahead.step();
    __m512 key[T];
#pragma GCC unroll 4
    for (int t = 0; t < T; ++t) key[t] = keys.load(static_cast<uint32_t>(t), i);
#pragma GCC unroll 12
    for (int n = 0; n < N; ++n) {
      const __m512 value = _mm512_set1_ps(queries[n * stride + i]);
#pragma GCC unroll 4
      for (int t = 0; t < T; ++t) score[n][t] = _mm512_fmadd_ps(value, key[t], score[n][t]);
    }
  }
  for (int n = 0; n < N; ++n) {
    for (int t = 0; t < T; ++t) {
      _mm512_store_ps(scores + n * kPagePositions + t * kTileRows, score[n][t]);
    }
  }
}

using ScoreDirect = void (*)(const HalfKeys&, const float*, uint64_t, uint32_t, bool, float*,
                             Ahead&);
using ScoreWide = void (*)(const WideKeys&, const float*, uint64_t, uint32_t, bool, float*, Ahead&);
constexpr ScoreDirect kScoreDirect[kTogether + 1] = {nullptr,
                                                     score_f16<1, 4, HalfKeys>,
                                                     score_f16<2, 4, HalfKeys>,
                                                     score_f16<3, 4, HalfKeys>,
                                                     score_f16<4, 4, HalfKeys>,
                                                     score_f16<5, 4, HalfKeys>,
                                                     score_f16<6, 4, HalfKeys>,
                                                     score_f16<7, 2, HalfKeys>,
                                                     score_f16<8, 2, HalfKeys>,
                                                     score_f16<9, 2, HalfKeys>,
                                                     score_f16<10, 2, HalfKeys>,
                                                     score_f16<11, 2, HalfKeys>,
                                                     score_f16<12, 2, HalfKeys>};
constexpr ScoreWide kScoreWide[kTogether + 1] = {nullptr,
                                                 score_f16<1, 2, WideKeys>,
                                                 score_f16<2, 2, WideKeys>,
                                                 score_f16<3, 2, WideKeys>,
                                                 score_f16<4, 2, WideKeys>,
                                                 score_f16<5, 2, WideKeys>,
                                                 score_f16<6, 2, WideKeys>,
                                                 score_f16<7, 2, WideKeys>,
                                                 score_f16<8, 2, WideKeys>,
                                                 score_f16<9, 2, WideKeys>,
                                                 score_f16<10, 2, WideKeys>,
                                                 score_f16<11, 2, WideKeys>,
                                                 score_f16<12, 2, WideKeys>};

// How many of the `left` queries to take next, so that the last are not few.
inline uint32_t next_share(uint32_t left, uint32_t most) {
  const uint32_t shares = (left + most - 1) / most;
  return (left + shares - 1) / shares;
}

// The greatest number of positions that any of `count` queries sees, in tiles.
inline uint32_t tiles_seen(const uint32_t* visible, uint32_t count) {
  uint32_t most = 0;
  for (uint32_t n = 0; n < count; ++n) most = visible[n] > most ? visible[n] : most;
  return (most + kTileRows - 1) / kTileRows;
}

void score_few_f16(const PageView& page, const Queries& queries, Scores& scores, Ahead& ahead) {
  const uint64_t tile_bytes = uint64_t{page.width} * kTileRows * 2;
  const uint32_t tiles = tiles_seen(queries.visible, queries.count);
  const uint32_t step = queries.count <= 6 ? 4 : 2;
  for (uint32_t tile = 0; tile < tiles; tile += step) {
    kScoreDirect[queries.count]({page.keys + tile * tile_bytes, tile_bytes}, queries.values,
                                page.width, page.width, true, scores[0] + tile * kTileRows, ahead);
  }
}

void score_many_f16(const PageView& page, const Queries& queries, Scores& scores) {
  alignas(64) float wide[kColumns * 2 * kTileRows];
  const uint64_t tile_bytes = uint64_t{page.width} * kTileRows * 2;
  const uint32_t tiles = tiles_seen(queries.visible, queries.count);
  Ahead nothing{nullptr, nullptr};
  for (uint32_t tile = 0; tile < tiles; tile += 2) {
    for (uint32_t column = 0; column < page.width; column += kColumns) {
      const uint32_t columns = page.width - column < kColumns ? page.width - column : kColumns;
      const HalfKeys keys{page.keys + tile * tile_bytes + uint64_t{column} * kTileRows * 2,
                          tile_bytes};
      for (uint32_t i = 0; i < columns; ++i) {
        _mm512_store_ps(wide + i * 2 * kTileRows, keys.load(0, i));
        _mm512_store_ps(wide + i * 2 * kTileRows + kTileRows, keys.load(1, i));
      }
      uint32_t share;
      for (uint32_t query = 0; query < queries.count; query += share) {
        share = next_share(queries.count - query, kTogether);
        if (tiles_seen(queries.visible + query, share) <= tile) continue;
        kScoreWide[share]({wide}, queries.values + uint64_t{query} * page.width + column,
                          page.width, columns, column == 0, scores[query] + tile * kTileRows,
                          nothing);
      }
    }
  }
}

// Scores of N queries against two tiles of int8 keys; 128 is added to make them the unsigned side,
// and taken off through the query's sums, with which the products begin.
template <int N>
void score_q8(const PageView& page, const ActivationBlock* input, uint32_t tile, float* scores,
              Ahead& ahead) {
  const uint32_t blocks = page.width / 32;
  const uint64_t input_stride = activation_blocks(page.width);
  const uint8_t* tile_keys = page.keys + uint64_t{tile} * page.width * kTileRows;
  const uint64_t tile_bytes = uint64_t{page.width} * kTileRows;
  const uint8_t* key_scales = page.keys + uint64_t{kPagePositions} * page.width;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  __m512 score[N][2];
  for (int n = 0; n < N; ++n) score[n][0] = score[n][1] = _mm512_setzero_ps();
  for (uint32_t b = 0; b < blocks; ++b) {
    const uint8_t* keys = tile_keys + uint64_t{32 * b} * kTileRows;
    const ActivationBlock* from = input + b / 8;
    __m512i dot[N][2];
    for (int n = 0; n < N; ++n) {
      dot[n][0] = dot[n][1] = _mm512_set1_epi32(from[n * input_stride].offsets32[b % 8]);
    }
    const int8_t* quants = from->quants + b % 8 * 32;
    for (uint32_t quad = 0; quad < 8; ++quad) {
      ahead.step();
      const __m512i low = _mm512_xor_si512(_mm512_loadu_si512(keys + 64 * quad), flip);
      const __m512i high =
          _mm512_xor_si512(_mm512_loadu_si512(keys + tile_bytes + 64 * quad), flip);
#pragma GCC unroll 6
      for (int n = 0; n < N; ++n) {
        const __m512i value =
            broadcast_dword(quants + n * input_stride * sizeof(ActivationBlock) + 4 * quad);
        dot[n][0] = _mm512_dpbusd_epi32(dot[n][0], low, value);
        dot[n][1] = _mm512_dpbusd_epi32(dot[n][1], high, value);
      }
    }
    for (int t = 0; t < 2; ++t) {
      const uint64_t scale_tile = tile + static_cast<uint32_t>(t);
      const __m512 scale = halves(key_scales + (scale_tile * blocks + b) * kTileRows * 2);
      for (int n = 0; n < N; ++n) {
        const __m512 query_scale = _mm512_set1_ps(from[n * input_stride].scales[b % 8]);
        const __m512 product = _mm512_mul_ps(scale, _mm512_cvtepi32_ps(dot[n][t]));
        score[n][t] = _mm512_fmadd_ps(query_scale, product, score[n][t]);
      }
    }
  }
  for (int n = 0; n < N; ++n) {
    _mm512_store_ps(scores + n * kPagePositions, score[n][0]);
    _mm512_store_ps(scores + n * kPagePositions + kTileRows, score[n][1]);
  }
}

using ScoreQ8 = void (*)(const PageView&, const ActivationBlock*, uint32_t, float*, Ahead&);
constexpr ScoreQ8 kScoreQ8[] = {nullptr,     score_q8<1>, score_q8<2>, score_q8<3>,
                                score_q8<4>, score_q8<5>, score_q8<6>};

void score_all_q8(const PageView& page, const Queries& queries, Scores& scores, Ahead& ahead) {
  uint32_t share;
  for (uint32_t query = 0; query < queries.count; query += share) {
    share = next_share(queries.count - query, 6);
    const uint32_t tiles = tiles_seen(queries.visible + query, share);
    const ActivationBlock* input = queries.blocks + query * activation_blocks(page.width);
    for (uint32_t tile = 0; tile < tiles; tile += 2) {
      kScoreQ8[share](page, input, tile, scores[query] + tile * kTileRows, ahead);
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

// Values as they lie in the page, from some element on, 16 at a time, the last ones masked.
struct HalfValues {
  const uint8_t* at;
  uint64_t row_bytes;
  uint32_t elements;
  __m512 load(uint32_t position, uint32_t part) const {
    const __mmask16 mask = first_lanes(elements > 16 * part ? elements - 16 * part : 0);
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, at + position * row_bytes + 32 * part));
  }
};
struct ByteValues {
  const uint8_t* at;
  uint64_t row_bytes;
  uint32_t elements;
  __m512 load(uint32_t position, uint32_t part) const {
    const auto* bytes = reinterpret_cast<const __m128i*>(at + position * row_bytes + 16 * part);
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(bytes)));
  }
};
// Widened ones.
struct WideValues {
  const float* at;  // [position][kElements]
  uint32_t elements;
  __m512 load(uint32_t position, uint32_t part) const {
    return _mm512_load_ps(at + position * kElements + 16 * part);
  }
};

// Sums of 16 * E elements of the values, weighted for N queries.
template <int N, int E, class Values>
void accumulate(const Values& values, const float* weights, const uint32_t* visible, float* outputs,
                uint64_t stride, Ahead& ahead) {
  uint32_t common = kPagePositions;  // positions that all N queries see
  for (int n = 0; n < N; ++n) common = visible[n] < common ? visible[n] : common;
  __m512 out[N][E];
  for (int n = 0; n < N; ++n) {
    for (int e = 0; e < E; ++e) out[n][e] = _mm512_setzero_ps();
  }
  for (uint32_t position = 0; position < common; ++position) {
    ahead.step();
    __m512 value[E];
#pragma GCC unroll 4
    for (int e = 0; e < E; ++e) value[e] = values.load(position, static_cast<uint32_t>(e));
#pragma GCC unroll 12
    for (int n = 0; n < N; ++n) {
      const __m512 weight = _mm512_set1_ps(weights[n * kPagePositions + position]);
#pragma GCC unroll 4
      for (int e = 0; e < E; ++e) out[n][e] = _mm512_fmadd_ps(weight, value[e], out[n][e]);
    }
  }
#pragma GCC unroll 12
  for (int n = 0; n < N; ++n) {
    for (uint32_t position = common; position < visible[n]; ++position) {
      const __m512 weight = _mm512_set1_ps(weights[n * kPagePositions + position]);
      for (int e = 0; e < E; ++e) {
        out[n][e] =
            _mm512_fmadd_ps(weight, values.load(position, static_cast<uint32_t>(e)), out[n][e]);
      }
    }
    for (int e = 0; e < E; ++e) {
      const uint32_t before = 16 * static_cast<uint32_t>(e);
      const __mmask16 mask = first_lanes(values.elements > before ? values.elements - before : 0);
      _mm512_mask_storeu_ps(outputs + n * stride + before, mask, out[n][e]);
    }
  }
}

template <class Values>
using Accumulate = void (*)(const Values&, const float*, const uint32_t*, float*, uint64_t, Ahead&);
constexpr Accumulate<HalfValues> kAccumulateHalf[kTogether + 1] = {nullptr,
                                                                   accumulate<1, 4, HalfValues>,
                                                                   accumulate<2, 4, HalfValues>,
                                                                   accumulate<3, 4, HalfValues>,
                                                                   accumulate<4, 4, HalfValues>,
                                                                   accumulate<5, 4, HalfValues>,
                                                                   accumulate<6, 4, HalfValues>,
                                                                   accumulate<7, 2, HalfValues>,
                                                                   accumulate<8, 2, HalfValues>,
                                                                   accumulate<9, 2, HalfValues>,
                                                                   accumulate<10, 2, HalfValues>,
                                                                   accumulate<11, 2, HalfValues>,
                                                                   accumulate<12, 2, HalfValues>};
constexpr Accumulate<ByteValues> kAccumulateByte[kTogether + 1] = {nullptr,
                                                                   accumulate<1, 2, ByteValues>,
                                                                   accumulate<2, 2, ByteValues>,
                                                                   accumulate<3, 2, ByteValues>,
                                                                   accumulate<4, 2, ByteValues>,
                                                                   accumulate<5, 2, ByteValues>,
                                                                   accumulate<6, 2, ByteValues>,
                                                                   accumulate<7, 2, ByteValues>,
                                                                   accumulate<8, 2, ByteValues>,
                                                                   accumulate<9, 2, ByteValues>,
                                                                   accumulate<10, 2, ByteValues>,
                                                                   accumulate<11, 2, ByteValues>,
                                                                   accumulate<12, 2, ByteValues>};
constexpr Accumulate<WideValues> kAccumulateWide[kTogether + 1] = {nullptr,
                                                                   accumulate<1, 2, WideValues>,
                                                                   accumulate<2, 2, WideValues>,
                                                                   accumulate<3, 2, WideValues>,
                                                                   accumulate<4, 2, WideValues>,
                                                                   accumulate<5, 2, WideValues>,
                                                                   accumulate<6, 2, WideValues>,
                                                                   accumulate<7, 2, WideValues>,
                                                                   accumulate<8, 2, WideValues>,
                                                                   accumulate<9, 2, WideValues>,
                                                                   accumulate<10, 2, WideValues>,
                                                                   accumulate<11, 2, WideValues>,
                                                                   accumulate<12, 2, WideValues>};

// `weights` times the scales of all positions' values in one block of 32.
void scale_weights(const uint8_t* scales, uint32_t count, const Scores& weights, Scores& scaled) {
  for (uint32_t position = 0; position < kPagePositions; position += 16) {
    const __m512 scale = halves(scales + 2 * position);
    for (uint32_t n = 0; n < count; ++n) {
      _mm512_store_ps(scaled[n] + position,
                      _mm512_mul_ps(_mm512_load_ps(weights[n] + position), scale));
    }
  }
}

void accumulate_f16(const PageView& page, const Queries& queries, const Scores& weights,
                    float* outputs, Ahead& ahead) {
  const uint64_t row_bytes = uint64_t{page.value_width} * 2;
  const uint32_t step = queries.count <= 6 ? 64 : 32;
  if (queries.count <= kTogether) {
    for (uint32_t first = 0; first < page.value_width; first += step) {
      const HalfValues values{page.values + 2 * first, row_bytes, page.value_width - first};
      kAccumulateHalf[queries.count](values, weights[0], queries.visible, outputs + first,
                                     page.value_width, ahead);
    }
    return;
  }
  alignas(64) float wide[kPagePositions * kElements];
  for (uint32_t first = 0; first < page.value_width; first += kElements) {
    const HalfValues values{page.values + 2 * first, row_bytes, page.value_width - first};
    for (uint32_t position = 0; position < kPagePositions; ++position) {
      _mm512_store_ps(wide + position * kElements, values.load(position, 0));
      _mm512_store_ps(wide + position * kElements + 16, values.load(position, 1));
    }
    uint32_t share;
    for (uint32_t query = 0; query < queries.count; query += share) {
      share = next_share(queries.count - query, kTogether);
      kAccumulateWide[share]({wide, values.elements}, weights[query], queries.visible + query,
                             outputs + uint64_t{query} * page.value_width + first, page.value_width,
                             ahead);
    }
  }
}

void accumulate_q8(const PageView& page, const Queries& queries, const Scores& weights,
                   float* outputs, Ahead& ahead) {
  const uint8_t* scales = page.values + uint64_t{kPagePositions} * page.value_width;
  alignas(64) float wide[kPagePositions * kElements];
  alignas(64) Scores scaled;
  for (uint32_t first = 0; first < page.value_width; first += kElements) {
    const ByteValues values{page.values + first, page.value_width, kElements};
    scale_weights(scales + uint64_t{first} / 32 * kPagePositions * 2, queries.count, weights,
                  scaled);
    if (queries.count <= kTogether) {
      kAccumulateByte[queries.count](values, scaled[0], queries.visible, outputs + first,
                                     page.value_width, ahead);
      continue;
    }
    for (uint32_t position = 0; position < kPagePositions; ++position) {
      _mm512_store_ps(wide + position * kElements, values.load(position, 0));
      _mm512_store_ps(wide + position * kElements + 16, values.load(position, 1));
    }
    uint32_t share;
    for (uint32_t query = 0; query < queries.count; query += share) {
      share = next_share(queries.count - query, kTogether);
      kAccumulateWide[share]({wide, kElements}, scaled[query], queries.visible + query,
                             outputs + uint64_t{query} * page.value_width + first, page.value_width,
                             ahead);
    }
  }
}

// At most kBatch queries.
void attend_batch(const PageView& page, const Queries& queries, const Partials& out) {
  alignas(64) Scores scores;
  Ahead ahead{page.ahead, page.ahead == nullptr ? nullptr : page.ahead + page.ahead_bytes};
  if (page.type == KvType::Q8_0) {
    score_all_q8(page, queries, scores, ahead);
  } else if (queries.count <= kTogether) {
    score_few_f16(page, queries, scores, ahead);
  } else {
    score_many_f16(page, queries, scores);
  }
  for (uint32_t query = 0; query < queries.count; ++query) {
    const uint32_t tiles = tiles_seen(queries.visible + query, 1);
    if (queries.slopes != nullptr) add_distance_bias(queries, query, tiles, scores[query]);
    weigh(queries.visible[query], scores[query], out.largest[query], out.sums[query]);
  }
  if (page.type == KvType::F16) {
    accumulate_f16(page, queries, scores, out.outputs, ahead);
  } else {
    accumulate_q8(page, queries, scores, out.outputs, ahead);
  }
}

void attend(const PageView& page, const Queries& queries, const Partials& out) {
  for (uint32_t first = 0; first < queries.count; first += kBatch) {
    const uint32_t left = queries.count - first;
    const Queries some{left < kBatch ? left : kBatch,
                       queries.values + uint64_t{first} * page.width,
                       queries.blocks + first * activation_blocks(page.width),
                       queries.visible + first,
                       queries.slopes == nullptr ? nullptr : queries.slopes + first,
                       queries.offsets + first};
    attend_batch(
        page, some,
        {out.largest + first, out.sums + first, out.outputs + uint64_t{first} * page.value_width});
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

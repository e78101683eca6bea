// Attention over one page on AVX2: positions across the lanes for scores, elements for values.
// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstdint>

#include "kernels/avx2_math.h"
#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

constexpr int kQueries = 6;  // taken together, so that a key or value is loaded once for all

inline Pair halves16(const uint8_t* at) {
  return {halves8(at), halves8(at + 16)};
}

struct Scores {
  alignas(64) float values[kQueries][kPagePositions];
};

// Brings what comes next nearer, a little with each step of the work at hand.
struct Ahead {
  const uint8_t* at;
  const uint8_t* end;

  void step() {
    if (at >= end) return;
    _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T1);
    at += 64;
  }
};

template <int N>
void score_f16(const PageView& page, const Queries& queries, uint32_t query, uint32_t tiles,
               Scores& scores, Ahead& ahead) {
  const float* values = queries.values + uint64_t{query} * page.width;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    const uint8_t* keys = page.keys + uint64_t{tile} * page.width * kTileRows * 2;
    Pair score[N];
    for (int n = 0; n < N; ++n) score[n] = zero_pair();
    for (uint32_t i = 0; i < page.width; ++i) {
      ahead.step();
      const Pair key = halves16(keys + uint64_t{i} * kTileRows * 2);
#pragma GCC unroll 6
      for (int n = 0; n < N; ++n) {
        score[n] = fma(set_pair(values[uint64_t(n) * page.width + i]), key, score[n]);
      }
    }
    for (int n = 0; n < N; ++n) store(scores.values[n] + tile * kTileRows, score[n]);
  }
}

// dot of 4 int8 keys and 4 int8 query elements per lane, added to `sum`: magnitudes times signed values,
// since the instruction takes one side unsigned.
inline __m256i add_dot(__m256i sum, __m256i keys, __m256i query) {
  const __m256i words = _mm256_maddubs_epi16(_mm256_abs_epi8(keys), _mm256_sign_epi8(query, keys));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(words, _mm256_set1_epi16(1)));
}

template <int N>
void score_q8(const PageView& page, const Queries& queries, uint32_t query, uint32_t tiles,
              Scores& scores, Ahead& ahead) {
  const uint32_t blocks = page.width / 32;
  const uint8_t* key_scales = page.keys + uint64_t{kPagePositions} * page.width;
  const uint64_t input_stride = activation_blocks(page.width);
  const ActivationBlock* input = queries.blocks + query * input_stride;
  for (uint32_t tile = 0; tile < tiles; ++tile) {
    Pair score[N];
    for (int n = 0; n < N; ++n) score[n] = zero_pair();
    for (uint32_t b = 0; b < blocks; ++b) {
      const uint8_t* keys = page.keys + (uint64_t{tile} * page.width + 32 * b) * kTileRows;
      const Pair scale = halves16(key_scales + (uint64_t{tile} * blocks + b) * kTileRows * 2);
      // Three queries' sums fit the registers beside the keys, of which magnitudes are made once.
      for (int begin = 0; begin < N; begin += 3) {
        const int count = N - begin < 3 ? N - begin : 3;
        __m256i low[3], high[3];
        for (int n = 0; n < count; ++n) low[n] = high[n] = _mm256_setzero_si256();
        for (uint32_t quad = 0; quad < 8; ++quad) {
          ahead.step();
          const auto* line = reinterpret_cast<const __m256i*>(keys + 64 * quad);
          const __m256i first = _mm256_loadu_si256(line), second = _mm256_loadu_si256(line + 1);
#pragma GCC unroll 3
          for (int n = 0; n < count; ++n) {
            const ActivationBlock& from = input[(begin + n) * input_stride + b / 8];
            const __m256i value = broadcast_dword(from.quants + b % 8 * 32 + 4 * quad);
            low[n] = add_dot(low[n], first, value);
            high[n] = add_dot(high[n], second, value);
          }
        }
        for (int n = 0; n < count; ++n) {
          const ActivationBlock& from = input[(begin + n) * input_stride + b / 8];
          const Pair exact = {_mm256_cvtepi32_ps(low[n]), _mm256_cvtepi32_ps(high[n])};
          Pair& to = score[begin + n];
          to = fma(set_pair(from.scales[b % 8]), mul(scale, exact), to);
        }
      }
    }
    for (int n = 0; n < N; ++n) store(scores.values[n] + tile * kTileRows, score[n]);
  }
}

void add_distance_bias(const Queries& queries, uint32_t query, uint32_t visible, float* scores) {
  const __m128 slope = _mm_set_ss(queries.slopes[query]);
  for (uint32_t position = 0; position < visible; ++position) {
    const int32_t distance = static_cast<int32_t>(position) - queries.offsets[query];
    const __m128 biased =
        _mm_fmadd_ss(slope, _mm_set_ss(static_cast<float>(distance)), _mm_set_ss(scores[position]));
    scores[position] = _mm_cvtss_f32(biased);
  }
}

// One query's scores to weights exp(score - largest), in place.
void weigh(uint32_t visible, float* scores, float& largest, float& sum) {
  float most = scores[0];
  for (uint32_t i = 1; i < visible; ++i) most = scores[i] > most ? scores[i] : most;
  Pair lanes = zero_pair();
  for (uint32_t i = 0; i < visible; i += 16) {
    const Pair weight = exp16(sub(load(scores + i), set_pair(most)));
    store(scores + i, weight);
    lanes = add(lanes, load(scores + i, visible - i));
  }
  largest = most;
  sum = tree_sum16(lanes);
}

// Up to 16 elements of one position's values.
template <KvType type>
struct ValueLoader {
  const PageView& page;
  uint32_t first;  // element
  uint32_t count;

  Pair values(uint32_t position) const {
    const uint64_t element = uint64_t{position} * page.value_width + first;
    if (type == KvType::F16) {
      if (count >= 16) return halves16(page.values + 2 * element);
      uint8_t halves[32] = {};
      __builtin_memcpy(halves, page.values + 2 * element, 2 * count);
      return halves16(halves);
    }
    const auto* at = reinterpret_cast<const __m128i*>(page.values + element);
    const __m128i bytes = _mm_loadu_si128(at);  // a multiple of 32 elements: always whole
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
  }
};

// The weights times the scales of all positions' values in one block of 32.
template <int N>
void scale_weights(const PageView& page, uint32_t block, const Scores& weights, Scores& scaled) {
  const uint8_t* scales = page.values + uint64_t{kPagePositions} * page.value_width +
                          2 * uint64_t{block} * kPagePositions;
  for (uint32_t position = 0; position < kPagePositions; position += 16) {
    const Pair scale = halves16(scales + 2 * position);
    for (int n = 0; n < N; ++n) {
      store(scaled.values[n] + position, mul(load(weights.values[n] + position), scale));
    }
  }
}

template <int N, KvType type>
void accumulate(const PageView& page, const Queries& queries, uint32_t query, const Scores& scores,
                float* outputs, Ahead& ahead) {
  Scores scaled;
  uint32_t common = kPagePositions;  // positions that all N queries see
  for (int n = 0; n < N; ++n) {
    const uint32_t visible = queries.visible[query + n];
    if (visible < common) common = visible;
  }
  for (uint32_t first = 0; first < page.value_width; first += 16) {
    const ValueLoader<type> loader{page, first, page.value_width - first};
    const Scores* weights = &scores;
    if (type == KvType::Q8_0) {
      if (first % 32 == 0) scale_weights<N>(page, first / 32, scores, scaled);
      weights = &scaled;
    }
    const auto weight = [&](int n, uint32_t position) {
      return set_pair(weights->values[n][position]);
    };
    Pair out[N];
    for (int n = 0; n < N; ++n) out[n] = zero_pair();
    for (uint32_t position = 0; position < common; ++position) {
      ahead.step();
      const Pair value = loader.values(position);
#pragma GCC unroll 6
      for (int n = 0; n < N; ++n) out[n] = fma(weight(n, position), value, out[n]);
    }
    for (int n = 0; n < N; ++n) {
      for (uint32_t position = common; position < queries.visible[query + n]; ++position) {
        out[n] = fma(weight(n, position), loader.values(position), out[n]);
      }
      store(outputs + uint64_t{query + n} * page.value_width + first, out[n], loader.count);
    }
  }
}

template <int N>
void attend_some(const PageView& page, const Queries& queries, uint32_t query, const Partials& out,
                 Ahead& ahead) {
  uint32_t most = 0;
  for (int n = 0; n < N; ++n) {
    if (queries.visible[query + n] > most) most = queries.visible[query + n];
  }
  const uint32_t tiles = (most + kTileRows - 1) / kTileRows;
  Scores scores;
  if (page.type == KvType::F16) {
    score_f16<N>(page, queries, query, tiles, scores, ahead);
  } else {
    score_q8<N>(page, queries, query, tiles, scores, ahead);
  }
  for (int n = 0; n < N; ++n) {
    const uint32_t visible = queries.visible[query + n];
    if (queries.slopes != nullptr) {
      add_distance_bias(queries, query + n, visible, scores.values[n]);
    }
    weigh(visible, scores.values[n], out.largest[query + n], out.sums[query + n]);
  }
  if (page.type == KvType::F16) {
    accumulate<N, KvType::F16>(page, queries, query, scores, out.outputs, ahead);
  } else {
    accumulate<N, KvType::Q8_0>(page, queries, query, scores, out.outputs, ahead);
  }
}

using AttendSome = void (*)(const PageView&, const Queries&, uint32_t, const Partials&, Ahead&);
constexpr AttendSome kAttendSome[kQueries + 1] = {nullptr,        attend_some<1>, attend_some<2>,
                                                  attend_some<3>, attend_some<4>, attend_some<5>,
                                                  attend_some<6>};

void attend(const PageView& page, const Queries& queries, const Partials& out) {
  Ahead ahead{page.ahead, page.ahead == nullptr ? nullptr : page.ahead + page.ahead_bytes};
  for (uint32_t query = 0; query < queries.count;) {
    // Even shares, so that the last is not small.
    const uint32_t left = queries.count - query, shares = (left + kQueries - 1) / kQueries;
    const uint32_t share = (left + shares - 1) / shares;
    kAttendSome[share](page, queries, query, out, ahead);
    query += share;
  }
}

void merge(uint32_t count, uint32_t value_width, const Partials& into, const Partials& next) {
  for (uint32_t query = 0; query < count; ++query) {
    const float before = into.largest[query], after = next.largest[query];
    const float largest = after > before ? after : before;
    const Pair keep = exp16(set_pair(before - largest)), add = exp16(set_pair(after - largest));
    const Pair sums = fma(set_pair(into.sums[query]), keep, mul(set_pair(next.sums[query]), add));
    into.largest[query] = largest;
    into.sums[query] = _mm256_cvtss_f32(sums.low);
    float* kept = into.outputs + uint64_t{query} * value_width;
    const float* added = next.outputs + uint64_t{query} * value_width;
    for (uint32_t i = 0; i < value_width; i += 16) {
      const Pair share = mul(load(added + i, value_width - i), add);
      store(kept + i, fma(load(kept + i, value_width - i), keep, share), value_width - i);
    }
  }
}

}  // namespace

void add_avx2_attention(Kernels& kernels) {
  kernels.attend = attend;
  kernels.merge = merge;
}

}  // namespace sotto::kernels

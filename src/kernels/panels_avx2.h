// Where products take a block's codes from on AVX2: the packed block, or a panel decoded on the stack.
// SPDX-License-Identifier: Apache-2.0
//
// One token or a few decode as they go. For many, 16 rows of 256 columns are decoded once. Nothing is
// prefetched: processors that stop at AVX2 find the one stream by themselves and are slower when told.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "gguf/blocks.h"
#include "kernels/formats_avx2.h"

namespace sotto::kernels {
namespace {

constexpr uint32_t kQuads = 64;  // in 256 columns

// What follows from a format's description.
template <class Format>
struct Traits {
  static constexpr bool kScaled = Format::kSub < Format::kBlock;
  // How many integer scales 256 columns have; of pairs of 16 or 32 columns that share minima or an
  // offset scaled alike.
  static constexpr uint32_t kScales = kScaled ? 256 / Format::kSub : 0;
  static constexpr bool kPaired = Format::kBlock == 256 && (Format::kMins || Format::kOffset != 0);
  static constexpr uint32_t kPairs = !kPaired ? 0 : Format::kSub == 16 ? 8 : 4;
  // How many sums of two products fit 16 bits, of the quads that share a scale.
  static constexpr uint32_t kFit = Format::kSigned ? 1 : 32767 / (2 * 127 * Format::kCode);
  static constexpr uint32_t kLongest = Format::kSub == 16 ? 4 : 8;
  static constexpr uint32_t kRun = kFit >= kLongest ? kLongest : kFit >= 4 ? 4 : kFit;
};

// The minima 2p and 2p + 1; or 256 times the scales 2p and 2p + 1, to take the codes' offset off with.
template <class Format>
inline __m256i sum_pair(const typename Format::Block& block, uint32_t p) {
  if constexpr (Format::kMins && Format::kBlock == 256) {
    return Format::min_pair(block, p);
  } else if constexpr (Traits<Format>::kScaled) {
    return Format::scale_pair(block, p);
  } else {
    return _mm256_set1_epi16(256);
  }
}

// Halves [0, H) of 256 columns, decoded when asked.
template <class F, int H>
struct Direct {
  using Format = F;
  static constexpr uint32_t kUnroll = 8;  // sub-blocks: which one it is must be a constant

  Direct(const uint8_t* group, uint32_t c, uint32_t first_half) {
    for (uint32_t h = 0; h < H; ++h) half[h] = F::open(group, c, first_half + h);
  }
  __m256i codes(uint32_t h, uint32_t sub, uint32_t quad) const {
    return F::codes(half[h], sub, quad);
  }
  __m256i scale(uint32_t h, uint32_t s) const { return F::scale(half[h], s); }
  __m256i pair(uint32_t h, uint32_t p) const { return sum_pair<F>(half[h], p); }
  __m256 factor(uint32_t h, uint32_t sub) const { return F::factor(half[h], sub); }
  __m256 min_factor(uint32_t h, uint32_t sub) const { return F::min_factor(half[h], sub); }

  typename F::Block half[H];
};

// Both halves, decoded before.
template <class F>
struct Panel {
  using Format = F;
  static constexpr uint32_t kUnroll = 1;
  static constexpr uint32_t kFactors = F::kBlock == 256 ? 1 : 8;

  // `subs` times 32 columns, from 256 * c on.
  void fill(const uint8_t* group, uint32_t c, uint32_t subs) {
    const Direct<F, 2> from(group, c, 0);
    for (uint32_t sub = 0; sub < subs; ++sub) {
      for (uint32_t h = 0; h < 2; ++h) {
#pragma GCC unroll 8
        for (uint32_t quad = 0; quad < 8; ++quad) {
          _mm256_store_si256(&codes_[8 * sub + quad][h], from.codes(h, sub, quad));
        }
      }
    }
#pragma GCC unroll 2
    for (uint32_t h = 0; h < 2; ++h) {
      if constexpr (Traits<F>::kScaled) {
#pragma GCC unroll 16
        for (uint32_t s = 0; s < Traits<F>::kScales; ++s) scales_[s][h] = from.scale(h, s);
      }
#pragma GCC unroll 8
      for (uint32_t p = 0; p < Traits<F>::kPairs; ++p) pairs_[p][h] = from.pair(h, p);
      for (uint32_t sub = 0; sub < kFactors && sub < subs; ++sub) {
        factors_[sub][h] = from.factor(h, sub);
        if constexpr (F::kMins) min_factors_[sub][h] = from.min_factor(h, sub);
      }
    }
  }
  __m256i codes(uint32_t h, uint32_t sub, uint32_t quad) const { return codes_[8 * sub + quad][h]; }
  __m256i scale(uint32_t h, uint32_t s) const { return scales_[s][h]; }
  __m256i pair(uint32_t h, uint32_t p) const { return pairs_[p][h]; }
  __m256 factor(uint32_t h, uint32_t sub) const { return factors_[sub][h]; }
  __m256 min_factor(uint32_t h, uint32_t sub) const { return min_factors_[sub][h]; }

  __m256i codes_[kQuads][2];
  __m256i scales_[Traits<F>::kScales + 1][2];
  __m256i pairs_[Traits<F>::kPairs + 1][2];
  __m256 factors_[kFactors][2], min_factors_[kFactors][2];
};

// Weights of 8 bits or more as words with their integer scales multiplied in: two products of words
// always fit where two of bytes do not. Of each quad the even columns' words come first, then the odd.
struct WordPanel {
  __m256i words[kQuads][2][2];  // [quad][odd][half]
  __m256i pairs[8][2];          // minima 2p and 2p + 1 of 16 columns each
  __m256 factors[8][2], min_factors[2];
};

[[maybe_unused]] inline __m256i even_words(__m256i bytes) {
  return _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
}
[[maybe_unused]] inline __m256i odd_words(__m256i bytes) {
  return _mm256_srai_epi16(bytes, 8);
}

template <class F>
inline void fill(WordPanel& panel, const uint8_t* group, uint32_t c, uint32_t subs) {
  const Direct<F, 2> from(group, c, 0);
  for (uint32_t sub = 0; sub < subs; ++sub) {
    for (uint32_t h = 0; h < 2; ++h) {
#pragma GCC unroll 8
      for (uint32_t quad = 0; quad < 8; ++quad) {
        const __m256i codes = from.codes(h, sub, quad);
        __m256i even = even_words(codes), odd = odd_words(codes);
        if constexpr (Traits<F>::kScaled) {
          even = _mm256_mullo_epi16(even, from.scale(h, sub));
          odd = _mm256_mullo_epi16(odd, from.scale(h, sub));
        }
        panel.words[8 * sub + quad][0][h] = even;
        panel.words[8 * sub + quad][1][h] = odd;
      }
      if (F::kBlock == 32 || sub == 0) panel.factors[sub][h] = from.factor(h, sub);
    }
  }
}

// Rows become columns, dwords each.
[[maybe_unused]] inline void transpose(__m256i (&v)[8]) {
  __m256i pairs[8], fours[8];
  for (uint32_t i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
  }
  for (uint32_t i = 0; i < 8; i += 4) {
    for (uint32_t k = 0; k < 2; ++k) {
      fours[i + 2 * k] = _mm256_unpacklo_epi64(pairs[i + k], pairs[i + k + 2]);
      fours[i + 2 * k + 1] = _mm256_unpackhi_epi64(pairs[i + k], pairs[i + k + 2]);
    }
  }
  for (uint32_t i = 0; i < 4; ++i) {
    v[i] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x20);
    v[i + 4] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x31);
  }
}

// From 8 rows' blocks of 256 as the file's decoder leaves them.
[[maybe_unused]] inline void fill_half(WordPanel& panel, uint32_t h,
                                       const gguf::IntegerBlock (&rows)[8]) {
  const __m256i even_first = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  for (uint32_t four = 0; four < kQuads / 4; ++four) {
    __m256i words[8];
    for (uint32_t r = 0; r < 8; ++r) {
      const void* at = rows[r].weight + 16 * four;
      words[r] = _mm256_loadu_si256(static_cast<const __m256i*>(at));
      words[r] = _mm256_shuffle_epi8(words[r], even_first);
    }
    transpose(words);
    for (uint32_t i = 0; i < 8; ++i) panel.words[4 * four + i / 2][i % 2][h] = words[i];
  }
  __m256i mins[8];
  float scales[8], min_scales[8];
  for (uint32_t r = 0; r < 8; ++r) {
    mins[r] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[r].min));
    scales[r] = rows[r].scale;
    min_scales[r] = rows[r].min_scale;
  }
  transpose(mins);
  for (uint32_t p = 0; p < 8; ++p) panel.pairs[p][h] = mins[p];
  panel.factors[0][h] = _mm256_loadu_ps(scales);
  panel.min_factors[h] = _mm256_loadu_ps(min_scales);
}

// The activations' quants of 256 columns in the same order.
struct TokenWords {
  __m256i even[8], odd[8];
};
[[maybe_unused]] inline void widen(const ActivationBlock& from, TokenWords& to) {
#pragma GCC unroll 8
  for (uint32_t i = 0; i < 8; ++i) {
    const __m256i bytes = load32(from.quants + 32 * i);
    to.even[i] = even_words(bytes);
    to.odd[i] = odd_words(bytes);
  }
}

}  // namespace
}  // namespace sotto::kernels

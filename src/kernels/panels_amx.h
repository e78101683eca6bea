// Panels: 16 rows of weights, 256 columns, as the bytes that tiles multiply.
// SPDX-License-Identifier: Apache-2.0
//
// A tile multiplies bytes, but a weight of the contract, its integer scale multiplied in, takes up to
// 14 bits. So it is split into digits that fit, and the exact sum of products is put together from the
// digits' sums (the picture is in docs/internals/amx.md):
//     D = sum (2^shift * high + low) * q = 2^shift * sum high * q + sum low * q
// Sums of a digit stay below 256 * 255 * 127 < 2^23, and D fits int32 by the contract.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/formats_avx512.h"

namespace sotto::kernels {
namespace {

struct alignas(64) Panel {
  uint8_t digits[2][64][64];  // [high, low][quad][row][4 columns]; 16 quads are a tile
  int32_t mins[8][16];        // Format::min_pair
  float factor[16];
  float min_factor[16];
};

// The low word of each dword in both of its words.
[[maybe_unused]] inline __m512i twice_word(__m512i v) {
  return _mm512_or_si512(_mm512_and_si512(v, _mm512_set1_epi32(0xffff)), _mm512_slli_epi32(v, 16));
}

// The even bytes of `even` and the odd bytes of `odd`.
[[maybe_unused]] inline __m512i interleave_bytes(__m512i even, __m512i odd) {
  return _mm512_ternarylogic_epi32(_mm512_set1_epi16(0x00ff), even, odd, 0xCA);
}

// Digits of the scale, for weights w of at most 5 bits and scales s of 6, both unsigned:
// s = 8 * (s / 8) + s % 8, so the digits w * (s / 8) and w * (s % 8) are at most 31 * 7 = 217. One
// 16-bit multiplication makes those of two columns, since neither carries into the other.
struct ScaleDigits {
  static constexpr uint32_t kCount = 2, kShift = 3;
  static constexpr bool kSigned = false, kNegated = false;
  struct Multiplier {
    __m512i high, low;
  };
  static Multiplier multiplier(__m512i scale) {
    const __m512i words = twice_word(scale);
    return {_mm512_srli_epi16(words, 3), _mm512_and_si512(words, _mm512_set1_epi16(7))};
  }
  template <bool offset>
  static void write(__m512i weights, const Multiplier& by, uint8_t* high, uint8_t* low) {
    static_assert(!offset);
    _mm512_store_si512(high, _mm512_mullo_epi16(weights, by.high));
    _mm512_store_si512(low, _mm512_mullo_epi16(weights, by.low));
  }
};

// Digits of the product, for every format, since |p| <= 2^13 [gguf/blocks.h]: p = 128 * high + low
// with low in 0 to 127 and high in -64 to 64.
struct ProductDigits {
  static constexpr uint32_t kCount = 2, kShift = 7;
  static constexpr bool kSigned = true, kNegated = false;
  struct Multiplier {
    __m512i even, odd;  // the scale in the even or the odd bytes, zero in the others
    __m512i offset;     // what an offset of 128 in the weights adds to a product, negative
  };
  static Multiplier multiplier(__m512i scale) {
    const __m512i words = twice_word(scale);
    return {_mm512_and_si512(words, _mm512_set1_epi16(0x00ff)), _mm512_slli_epi16(words, 8),
            _mm512_sub_epi16(_mm512_setzero_si512(), _mm512_slli_epi16(words, 7))};
  }
  template <bool offset>
  static void write(__m512i weights, const Multiplier& by, uint8_t* high, uint8_t* low) {
    // Weights are unsigned bytes and scales signed ones: |255 * -128| does not saturate.
    __m512i even = _mm512_maddubs_epi16(weights, by.even);
    __m512i odd = _mm512_maddubs_epi16(weights, by.odd);
    if constexpr (offset) {
      even = _mm512_add_epi16(even, by.offset);
      odd = _mm512_add_epi16(odd, by.offset);
    }
    // Word w of a product holds bits 7 and up of it from bit 7 on; the odd bytes want them at bit 8.
    _mm512_store_si512(high,
                       interleave_bytes(_mm512_srli_epi16(even, 7), _mm512_slli_epi16(odd, 1)));
    _mm512_store_si512(low, _mm512_and_si512(interleave_bytes(even, _mm512_slli_epi16(odd, 8)),
                                             _mm512_set1_epi8(127)));
  }
};

// The product itself, where it is -128 to 127, or its negative is: half the work of tiles.
template <bool negated>
struct OneDigit {
  static constexpr uint32_t kCount = 1, kShift = 0;
  static constexpr bool kSigned = true, kNegated = negated;
  struct Multiplier {
    __m512i words;
  };
  static Multiplier multiplier(__m512i scale) {
    if (negated) scale = _mm512_sub_epi32(_mm512_setzero_si512(), scale);
    return {twice_word(scale)};
  }
  template <bool offset>
  static void write(__m512i weights, const Multiplier& by, uint8_t* high, uint8_t*) {
    if constexpr (offset) weights = _mm512_xor_si512(weights, _mm512_set1_epi8(-128));  // - 128
    // Modulo 256 a product needs no sign extension, but the even byte's carry must not be added to
    // the odd one.
    const __m512i even = _mm512_mullo_epi16(weights, by.words);
    const __m512i upper = _mm512_and_si512(weights, _mm512_set1_epi16(-256));
    _mm512_store_si512(high, interleave_bytes(even, _mm512_mullo_epi16(upper, by.words)));
  }
};

template <class Format>
inline __m512i integer_scale(const typename Format::Block& block, uint32_t s) {
  if constexpr (Format::kSub == 256) {
    return _mm512_set1_epi32(1);
  } else {
    return Format::scale(block, s);
  }
}

// The panel of block b of a group.
template <class Format, class Digits>
void build_panel(const uint8_t* group, uint32_t b, Panel& panel) {
  typename Format::Block block = Format::open(group, b);
#pragma GCC unroll 8
  for (uint32_t sub = 0; sub < 8; ++sub) {
    // Of the first and the second 16 of 32 columns.
    constexpr bool kTwoScales = Format::kSub == 16;
    const uint32_t s = kTwoScales ? 2 * sub : sub;
    const typename Digits::Multiplier by[2] = {
        Digits::multiplier(integer_scale<Format>(block, s)),
        Digits::multiplier(integer_scale<Format>(block, kTwoScales ? s + 1 : s))};
    __m512i weights[8];
    if constexpr (DecodesSubs<Format>) Format::decode_sub(block, sub, weights);
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; ++i) {
      if constexpr (!DecodesSubs<Format>) {
        Format::decode(block, sub, i, weights[i], weights[i + 4]);
      }
#pragma GCC unroll 2
      for (uint32_t half = 0; half < 2; ++half) {
        const uint32_t quad = 8 * sub + 4 * half + i;
        Digits::template write<Format::kOffset>(weights[4 * half + i], by[half],
                                                panel.digits[0][quad], panel.digits[1][quad]);
      }
    }
  }
  _mm512_store_ps(panel.factor, Format::factor(block));
  if constexpr (Format::kMins) {
    _mm512_store_ps(panel.min_factor, Format::min_factor(block));
    for (uint32_t p = 0; p < 256 / Format::kSub / 2; ++p) {
      _mm512_store_si512(panel.mins[p], Format::min_pair(block, p));
    }
  }
}

// The panel of eight blocks of 32 columns, each of which needs its own sums. A tile takes 64 columns
// all the same, since half of them would take as long: those of the other block meet zeros. Between
// the blocks stand gaps of zeros,
//     gap, block 0, gap, block 1, gap, ... block 7, gap
// and the tile of an even block begins with the block, that of an odd one with the gap before it.
struct alignas(64) Panel32 {
  uint8_t weights[17][8][64];  // [gap or block][quad][row][4 columns]
  float factor[8][16];
  float min_factor[8][16];
};

[[maybe_unused]] inline void clear_gaps(Panel32& panel) {
  for (uint32_t gap = 0; gap < 17; gap += 2) {
    for (uint32_t quad = 0; quad < 8; ++quad) {
      _mm512_store_si512(panel.weights[gap][quad], _mm512_setzero_si512());
    }
  }
}

// `count` (1 to 8) blocks from block b of a group. What the panel holds of others
// stays: nobody looks at their sums.
template <class Format>
void build_panel_32(const uint8_t* group, uint32_t b, uint32_t count, Panel32& panel) {
  for (uint32_t n = 0; n < count; ++n) {
    const typename Format::Block block = Format::open(group, b + n);
    uint8_t(&to)[8][64] = panel.weights[2 * n + 1];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; ++i) {
      __m512i weights[2];
      Format::decode(block, 0, i, weights[0], weights[1]);
#pragma GCC unroll 2
      for (uint32_t half = 0; half < 2; ++half) {
        if constexpr (Format::kOffset) {  // without, weights are below 128 and signed as well
          weights[half] = _mm512_xor_si512(weights[half], _mm512_set1_epi8(-128));
        }
        _mm512_store_si512(to[4 * half + i], weights[half]);
      }
    }
    _mm512_store_ps(panel.factor[n], Format::factor(block));
    if constexpr (Format::kMins) _mm512_store_ps(panel.min_factor[n], Format::min_factor(block));
  }
}

}  // namespace
}  // namespace sotto::kernels

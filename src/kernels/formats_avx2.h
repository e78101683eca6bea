// Block formats as AVX2 registers: codes of 8 rows and their scales, as the products want them.
// SPDX-License-Identifier: Apache-2.0
//
// A format is a struct of
//   kBlock       columns of a block, 256 or 32; those of 32 have no scales inside
//   kSub         columns that share one integer scale: 16, 32, or kBlock where there are none
//   kSigned      whether codes are signed bytes, the weights themselves
//   kCode        else the largest code there is
//   kOffset      what is added to a weight to make its code
//   kMins        whether blocks have minima, one for each kSub columns
//   Block        what open() keeps of 8 rows of 256 columns; `at` is where their bytes begin
//   open(group, c, half)             of the rows from 8 * half on, the columns from 256 * c on
//   codes(block, sub, quad)          of 4 columns, a dword each row; quad < 8 of 32 * sub
//   scale(block, s)                  of the s-th kSub columns, in both words of a dword
//   min_pair(block, p)               minima 2p and 2p + 1 as the words of a dword
//   scale_pair(block, p)             scales likewise, times 256; where scales and an offset are
//   factor(block, sub), min_factor   the floating-point scales; sub is 0 for blocks of 256
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/avx2_math.h"
#include "kernels/layout.h"
#include "kernels/packed_format.h"

namespace sotto::kernels {
namespace {

[[maybe_unused]] inline __m256i load32(const void* at) {
  return _mm256_load_si256(static_cast<const __m256i*>(at));
}
// The 8 rows of one half, of what is stored for 16.
[[maybe_unused]] inline __m256i half_of(const uint32_t (&dwords)[16], uint32_t half) {
  return load32(dwords + 8 * half);
}
[[maybe_unused]] inline __m256i half_of(const uint8_t (&quad)[64], uint32_t half) {
  return load32(quad + 32 * half);
}

// The low or the high half of every byte.
[[maybe_unused]] inline __m256i nibbles(__m256i v, bool high) {
  return _mm256_and_si256(high ? _mm256_srli_epi16(v, 4) : v, _mm256_set1_epi8(15));
}
// Byte `index` of each dword in both of its words, zero or sign extended: what one multiply-add of
// words needs to scale two neighbouring sums at once.
[[maybe_unused]] inline __m256i byte_in_words(__m256i v, uint32_t index) {
  const char at = static_cast<char>(index), none = -128;
  const __m128i pick = _mm_setr_epi8(at, none, at, none, at + 4, none, at + 4, none, at + 8, none,
                                     at + 8, none, at + 12, none, at + 12, none);
  return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(pick));
}
[[maybe_unused]] inline __m256i signed_byte_in_words(__m256i v, uint32_t index) {
  const char at = static_cast<char>(index), none = -128;
  const __m128i pick = _mm_setr_epi8(none, at, none, at, none, at + 4, none, at + 4, none, at + 8,
                                     none, at + 8, none, at + 12, none, at + 12);
  return _mm256_srai_epi16(_mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(pick)), 8);
}
// Bytes 2p and 2p + 1 of each dword, p < 2, as its words.
[[maybe_unused]] inline __m256i byte_pair(__m256i v, uint32_t p) {
  const char at = static_cast<char>(2 * p), none = -128;
  const __m128i pick = _mm_setr_epi8(at, none, at + 1, none, at + 4, none, at + 5, none, at + 8,
                                     none, at + 9, none, at + 12, none, at + 13, none);
  return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(pick));
}
[[maybe_unused]] inline __m256i byte_pair_times_256(__m256i v, uint32_t p) {
  const char at = static_cast<char>(2 * p), none = -128;
  const __m128i pick = _mm_setr_epi8(none, at, none, at + 1, none, at + 4, none, at + 5, none,
                                     at + 8, none, at + 9, none, at + 12, none, at + 13);
  return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(pick));
}
// The low word of each dword in both.
[[maybe_unused]] inline __m256i both_words(__m256i v) {
  return _mm256_or_si256(_mm256_slli_epi32(v, 16), _mm256_and_si256(v, _mm256_set1_epi32(0xffff)));
}

// The 6-bit scales and minima that Q4_K and Q5_K pack into 12 bytes a row.
struct PackedScales {
  __m256i scales[2], mins[2];  // bytes of the sub-blocks 0-3 and 4-7
};
[[maybe_unused]] inline PackedScales unpack_scales(const uint32_t (&words)[3][16], uint32_t half) {
  const __m256i w0 = half_of(words[0], half), w1 = half_of(words[1], half);
  const __m256i w2 = half_of(words[2], half);
  const __m256i six = _mm256_set1_epi8(0x3f), upper = _mm256_set1_epi8(0x30);
  return {{_mm256_and_si256(w0, six),
           _mm256_or_si256(nibbles(w2, false), _mm256_and_si256(_mm256_srli_epi16(w0, 2), upper))},
          {_mm256_and_si256(w1, six),
           _mm256_or_si256(nibbles(w2, true), _mm256_and_si256(_mm256_srli_epi16(w1, 2), upper))}};
}

// What the formats with blocks of 256 and their scales inside have in common.
template <class Packed>
struct FormatScaled {
  static constexpr uint32_t kBlock = 256, kSub = 32, kOffset = 0;
  static constexpr bool kSigned = false, kMins = true;
  struct Block {
    const Packed* at;
    uint32_t half;
    PackedScales scales;
  };
  static Block open(const uint8_t* group, uint32_t c, uint32_t half) {
    const Packed* at = reinterpret_cast<const Packed*>(group) + c;
    return {at, half, unpack_scales(at->sub_scales, half)};
  }
  static __m256i scale(const Block& block, uint32_t s) {
    return byte_in_words(block.scales.scales[s / 4], s % 4);
  }
  static __m256i min_pair(const Block& block, uint32_t p) {
    return byte_pair(block.scales.mins[p / 2], p % 2);
  }
  static __m256 factor(const Block& block, uint32_t) {
    return halves8(block.at->scale + 8 * block.half);
  }
  static __m256 min_factor(const Block& block, uint32_t) {
    return halves8(block.at->min_scale + 8 * block.half);
  }
};

struct FormatQ4K : FormatScaled<PackedQ4K> {
  static constexpr uint32_t kCode = 15;
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    return nibbles(half_of(block.at->quants[4 * sub + quad % 4], block.half), quad >= 4);
  }
};

// Bit `quad` of every byte, as bit `to`.
[[maybe_unused]] inline __m256i bit_to(__m256i bits, uint32_t quad, uint32_t to) {
  const __m256i moved = quad < to ? _mm256_slli_epi16(bits, static_cast<int>(to - quad))
                                  : _mm256_srli_epi16(bits, static_cast<int>(quad - to));
  return _mm256_and_si256(moved, _mm256_set1_epi8(static_cast<char>(1 << to)));
}

struct FormatQ5K : FormatScaled<PackedQ5K> {
  static constexpr uint32_t kCode = 31;
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    const __m256i both = half_of(block.at->subs[sub].quants[quad % 4], block.half);
    const __m256i bits = half_of(block.at->subs[sub].fifth, block.half);
    return _mm256_or_si256(nibbles(both, quad >= 4), bit_to(bits, quad, 4));
  }
};

// A block of 256 whose scales stand in front.
template <class Packed>
struct FrontBlock {
  const Packed* at;
  uint32_t half;
  const uint16_t* scale;
};
template <class Packed>
[[maybe_unused]] inline FrontBlock<Packed> open_front(const uint8_t* group, uint32_t c,
                                                      uint32_t half) {
  return {reinterpret_cast<const Packed*>(group + block_offset(sizeof(Packed), true, c)), half,
          reinterpret_cast<const uint16_t*>(group + scale_offset(sizeof(Packed), c)) + 8 * half};
}

struct FormatQ6K {
  static constexpr uint32_t kBlock = 256, kSub = 16, kCode = 63, kOffset = 32;
  static constexpr bool kSigned = false, kMins = false;
  using Block = FrontBlock<PackedQ6K>;
  static Block open(const uint8_t* group, uint32_t c, uint32_t half) {
    return open_front<PackedQ6K>(group, c, half);
  }
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    const __m256i low = half_of(block.at->subs[sub].low[quad % 4], block.half);
    const __m256i high = half_of(block.at->subs[sub].high[quad % 4 / 2], block.half);
    // The crumb is the lowest for quad 0, then 4, 1 and 5; and so on.
    const uint32_t from = quad % 2 * 4 + quad / 4 * 2;
    const __m256i crumb = from < 4 ? _mm256_slli_epi16(high, static_cast<int>(4 - from))
                                   : _mm256_srli_epi16(high, static_cast<int>(from - 4));
    return _mm256_or_si256(nibbles(low, quad >= 4),
                           _mm256_and_si256(crumb, _mm256_set1_epi8(0x30)));
  }
  static __m256i scale(const Block& block, uint32_t s) {
    return signed_byte_in_words(half_of(block.at->sub_scales[s / 4], block.half), s % 4);
  }
  static __m256i scale_pair(const Block& block, uint32_t p) {
    return byte_pair_times_256(half_of(block.at->sub_scales[p / 2], block.half), p % 2);
  }
  static __m256 factor(const Block& block, uint32_t) { return halves8(block.scale); }
};

// Quad `quad` of a plane of 2 bits, from the register that holds it.
[[maybe_unused]] inline __m256i crumbs(__m256i line, uint32_t quad) {
  const __m256i moved = _mm256_srli_epi16(line, static_cast<int>(quad % 2 * 4 + quad / 4 * 2));
  return _mm256_and_si256(moved, _mm256_set1_epi8(3));
}

struct FormatQ2K {
  static constexpr uint32_t kBlock = 256, kSub = 16, kCode = 3, kOffset = 0;
  static constexpr bool kSigned = false, kMins = true;
  struct Block {
    const PackedQ2K* at;
    uint32_t half;
  };
  static Block open(const uint8_t* group, uint32_t c, uint32_t half) {
    return {reinterpret_cast<const PackedQ2K*>(group) + c, half};
  }
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    return crumbs(half_of(block.at->crumbs[2 * sub + quad % 4 / 2], block.half), quad);
  }
  static __m256i scale(const Block& block, uint32_t s) {
    const __m256i bytes = nibbles(half_of(block.at->sub_scales[s / 4], block.half), false);
    return byte_in_words(bytes, s % 4);
  }
  static __m256i min_pair(const Block& block, uint32_t p) {
    return byte_pair(nibbles(half_of(block.at->sub_scales[p / 2], block.half), true), p % 2);
  }
  static __m256 factor(const Block& block, uint32_t) {
    return halves8(block.at->scale + 8 * block.half);
  }
  static __m256 min_factor(const Block& block, uint32_t) {
    return halves8(block.at->min_scale + 8 * block.half);
  }
};

struct FormatQ3K {
  static constexpr uint32_t kBlock = 256, kSub = 16, kCode = 7, kOffset = 4;
  static constexpr bool kSigned = false, kMins = false;
  struct Block {
    const PackedQ3K* at;
    uint32_t half;
    const uint16_t* scale;
    __m256i scales[4];  // bytes, 4 sub-blocks each
  };
  static Block open(const uint8_t* group, uint32_t c, uint32_t half) {
    const FrontBlock<PackedQ3K> front = open_front<PackedQ3K>(group, c, half);
    const uint32_t(&words)[3][16] = front.at->sub_scales;
    const __m256i w0 = half_of(words[0], half), w1 = half_of(words[1], half);
    const __m256i upper = half_of(words[2], half), two = _mm256_set1_epi8(0x30);
    const __m256i high[4] = {_mm256_slli_epi16(upper, 4), _mm256_slli_epi16(upper, 2), upper,
                             _mm256_srli_epi16(upper, 2)};
    Block block{front.at, half, front.scale, {}};
    for (uint32_t i = 0; i < 4; ++i) {
      const __m256i low = nibbles(i % 2 == 0 ? w0 : w1, i >= 2);
      block.scales[i] = _mm256_sub_epi8(_mm256_or_si256(low, _mm256_and_si256(high[i], two)),
                                        _mm256_set1_epi8(32));
    }
    return block;
  }
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    const __m256i line = half_of(block.at->subs[sub].crumbs[quad % 4 / 2], block.half);
    const __m256i bits = half_of(block.at->subs[sub].third, block.half);
    return _mm256_or_si256(crumbs(line, quad), bit_to(bits, quad, 2));
  }
  static __m256i scale(const Block& block, uint32_t s) {
    return signed_byte_in_words(block.scales[s / 4], s % 4);
  }
  static __m256i scale_pair(const Block& block, uint32_t p) {
    return byte_pair_times_256(block.scales[p / 2], p % 2);
  }
  static __m256 factor(const Block& block, uint32_t) { return halves8(block.scale); }
};

struct FormatTQ20 {
  static constexpr uint32_t kBlock = 256, kSub = 256, kCode = 3, kOffset = 1;
  static constexpr bool kSigned = false, kMins = false;
  using Block = FrontBlock<PackedTQ20>;
  static Block open(const uint8_t* group, uint32_t c, uint32_t half) {
    return open_front<PackedTQ20>(group, c, half);
  }
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    return crumbs(half_of(block.at->crumbs[2 * sub + quad % 4 / 2], block.half), quad);
  }
  static __m256 factor(const Block& block, uint32_t) { return halves8(block.scale); }
};

// The 16 values of IQ4_NL and IQ4_XS.
[[maybe_unused]] inline __m256i iq4_values(__m256i codes) {
  const __m128i values =
      _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), codes);
}

struct FormatIQ4XS {
  static constexpr uint32_t kBlock = 256, kSub = 32, kCode = 0, kOffset = 0;
  static constexpr bool kSigned = true, kMins = false;
  struct Block {
    const PackedIQ4XS* at;
    uint32_t half;
    __m256i low, high;  // bits of the scales
  };
  static Block open(const uint8_t* group, uint32_t c, uint32_t half) {
    const PackedIQ4XS* at = reinterpret_cast<const PackedIQ4XS*>(group) + c;
    const uint16_t* high = at->scales_high + 8 * half;
    return {at, half, half_of(at->scales_low, half),
            _mm256_cvtepu16_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(high)))};
  }
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    const __m256i both = half_of(block.at->quants[4 * sub + quad % 4], block.half);
    return iq4_values(nibbles(both, quad >= 4));
  }
  static __m256i scale(const Block& block, uint32_t s) {
    const __m256i low = _mm256_and_si256(_mm256_srli_epi32(block.low, static_cast<int>(4 * s)),
                                         _mm256_set1_epi32(15));
    const __m256i high = _mm256_and_si256(_mm256_srli_epi32(block.high, static_cast<int>(2 * s)),
                                          _mm256_set1_epi32(3));
    return both_words(
        _mm256_sub_epi32(_mm256_or_si256(low, _mm256_slli_epi32(high, 4)), _mm256_set1_epi32(32)));
  }
  static __m256 factor(const Block& block, uint32_t) {
    return halves8(block.at->scale + 8 * block.half);
  }
};

// Formats with blocks of 32: those whose scales stand in front ...
template <class Packed>
struct FormatFront32 {
  static constexpr uint32_t kBlock = 32, kSub = 32;
  static constexpr bool kMins = false;
  struct Block {
    const uint8_t* at;  // the line before the first two of 8 blocks
    uint32_t half;
    const Packed& operator[](uint32_t sub) const {
      return *reinterpret_cast<const Packed*>(at + block_offset(sizeof(Packed), true, sub));
    }
  };
  static Block open(const uint8_t* group, uint32_t c, uint32_t half) {
    return {group + scale_offset(sizeof(Packed), 8 * c), half};
  }
  static __m256 factor(const Block& block, uint32_t sub) {
    return halves8(block.at + scale_offset(sizeof(Packed), sub) + 16 * block.half);
  }
};
// ... and those with a minimum, which Q4_1 and Q5_1 add; the contract subtracts one.
template <class Packed>
struct FormatWithMinimum32 {
  static constexpr uint32_t kBlock = 32, kSub = 32, kOffset = 0;
  static constexpr bool kSigned = false, kMins = true;
  struct Block {
    const Packed* at;
    uint32_t half;
  };
  static Block open(const uint8_t* group, uint32_t c, uint32_t half) {
    return {reinterpret_cast<const Packed*>(group) + 8 * c, half};
  }
  static __m256 factor(const Block& block, uint32_t sub) {
    return halves8(block.at[sub].scale + 8 * block.half);
  }
  static __m256 min_factor(const Block& block, uint32_t sub) {
    return _mm256_xor_ps(halves8(block.at[sub].min_scale + 8 * block.half), _mm256_set1_ps(-0.0f));
  }
};
// Codes of 4 and of 5 bits in blocks of 32.
template <class Packed>
[[maybe_unused]] inline __m256i codes_4(const Packed& at, uint32_t half, uint32_t quad) {
  return nibbles(half_of(at.quants[quad % 4], half), quad >= 4);
}
template <class Packed>
[[maybe_unused]] inline __m256i codes_5(const Packed& at, uint32_t half, uint32_t quad) {
  return _mm256_or_si256(codes_4(at, half, quad), bit_to(half_of(at.fifth, half), quad, 4));
}

struct FormatQ40 : FormatFront32<PackedQ40> {
  static constexpr uint32_t kCode = 15, kOffset = 8;
  static constexpr bool kSigned = false;
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    return codes_4(block[sub], block.half, quad);
  }
};
struct FormatIQ4NL : FormatFront32<PackedQ40> {
  static constexpr uint32_t kCode = 0, kOffset = 0;
  static constexpr bool kSigned = true;
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    return iq4_values(codes_4(block[sub], block.half, quad));
  }
};
struct FormatQ50 : FormatFront32<PackedQ50> {
  static constexpr uint32_t kCode = 31, kOffset = 16;
  static constexpr bool kSigned = false;
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    return codes_5(block[sub], block.half, quad);
  }
};
struct FormatQ41 : FormatWithMinimum32<PackedQ41> {
  static constexpr uint32_t kCode = 15;
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    return codes_4(block.at[sub], block.half, quad);
  }
};
struct FormatQ51 : FormatWithMinimum32<PackedQ51> {
  static constexpr uint32_t kCode = 31;
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    return codes_5(block.at[sub], block.half, quad);
  }
};
struct FormatQ80 : FormatFront32<PackedQ80> {
  static constexpr uint32_t kCode = 0, kOffset = 0;
  static constexpr bool kSigned = true;
  static __m256i codes(const Block& block, uint32_t sub, uint32_t quad) {
    const __m256i stored = half_of(block[sub].quants[quad % 4][quad / 4], block.half);
    return _mm256_xor_si256(stored, _mm256_set1_epi8(static_cast<char>(0x80)));
  }
};

}  // namespace
}  // namespace sotto::kernels

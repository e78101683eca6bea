// Block formats as registers: each decodes its packed blocks to unsigned bytes, 16 rows a register.
// SPDX-License-Identifier: Apache-2.0
//
// A format is a struct of
//   kBlock       columns of a block, 256 or 32; 32 have no scales inside
//   kSub         columns that share one integer scale: 16, 32, or kBlock where there are none
//   kOffset      whether 128 was added to the weights to make them unsigned
//   kMins        whether blocks have minima, one for each kSub columns
//   Block        what open() keeps of one block; `at` is where its bytes begin
//   open(group, b)                   block b of the group
//   decode(block, sub, i, w0, w1)    quads i and i + 4 (i < 4) of the 32 columns from 32 * sub on
//   scale(block, s)                  integer scale of the s-th kSub columns, a dword each row
//   min_pair(block, p)               minima 2p and 2p + 1 as the words of a dword
//   factor(block), min_factor(block) the floating-point scales
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/avx512_math.h"
#include "kernels/layout.h"
#include "kernels/packed_format.h"

namespace sotto::kernels {
namespace {

// Formats that give 32 columns at once [kernels/codebooks_avx512.h].
template <class Format>
concept DecodesSubs = requires(typename Format::Block& block, __m512i (&w)[8]) {
  Format::decode_sub(block, uint32_t{0}, w);
};

// Byte `index` of each dword lane, zero or sign extended.
[[maybe_unused]] inline __m512i lane_byte(__m512i v, uint32_t index) {
  return _mm512_and_si512(_mm512_srli_epi32(v, 8 * index), _mm512_set1_epi32(255));
}
[[maybe_unused]] inline __m512i signed_lane_byte(__m512i v, uint32_t index) {
  return _mm512_srai_epi32(_mm512_slli_epi32(v, 24 - 8 * index), 24);
}
// Bytes 2p and 2p + 1 of each dword lane, p < 2, as its words.
[[maybe_unused]] inline __m512i byte_pair(__m512i v, uint32_t p) {
  const __m512i shifted = _mm512_srli_epi32(v, 16 * p);
  return _mm512_or_si512(
      _mm512_and_si512(shifted, _mm512_set1_epi32(255)),
      _mm512_and_si512(_mm512_slli_epi32(shifted, 8), _mm512_set1_epi32(0x00ff0000)));
}
[[maybe_unused]] inline __m512 halves(const uint16_t* at) {
  return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(at)));
}
[[maybe_unused]] inline __m512i low_nibbles(__m512i v) {
  return _mm512_and_si512(v, _mm512_set1_epi8(15));
}
[[maybe_unused]] inline __m512i high_nibbles(__m512i v) {
  return _mm512_and_si512(_mm512_srli_epi16(v, 4), _mm512_set1_epi8(15));
}

// The 6-bit scales and minima that Q4_K and Q5_K pack into 12 bytes a row.
struct PackedScales {
  __m512i scales[2], mins[2];  // bytes of the sub-blocks 0-3 and 4-7
};
[[maybe_unused]] inline PackedScales unpack_scales(const uint32_t (&words)[3][16]) {
  const __m512i w0 = _mm512_load_si512(words[0]), w1 = _mm512_load_si512(words[1]);
  const __m512i w2 = _mm512_load_si512(words[2]);
  const __m512i six = _mm512_set1_epi32(0x3f3f3f3f), four = _mm512_set1_epi32(0x0f0f0f0f);
  const __m512i upper = _mm512_set1_epi32(0x30303030);
  return {{_mm512_and_si512(w0, six),
           _mm512_or_si512(_mm512_and_si512(w2, four),
                           _mm512_and_si512(_mm512_srli_epi32(w0, 2), upper))},
          {_mm512_and_si512(w1, six),
           _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(w2, 4), four),
                           _mm512_and_si512(_mm512_srli_epi32(w1, 2), upper))}};
}

// A block whose scales stand in front.
template <class Packed>
struct FrontBlock {
  const Packed* at;
  const uint16_t* scale;
};
template <class Packed>
[[maybe_unused]] inline FrontBlock<Packed> open_front(const uint8_t* group, uint32_t b) {
  return {reinterpret_cast<const Packed*>(group + block_offset(sizeof(Packed), true, b)),
          reinterpret_cast<const uint16_t*>(group + scale_offset(sizeof(Packed), b))};
}

// What Q4_K and Q5_K have in common: all but their codes.
template <class Packed>
struct FormatWithPackedScales {
  static constexpr uint32_t kBlock = 256, kSub = 32;
  static constexpr bool kOffset = false, kMins = true;
  struct Block {
    const Packed* at;
    PackedScales scales;
  };
  static Block open(const uint8_t* group, uint32_t b) {
    const Packed* at = reinterpret_cast<const Packed*>(group) + b;
    return {at, unpack_scales(at->sub_scales)};
  }
  static __m512i scale(const Block& block, uint32_t sub) {
    return lane_byte(block.scales.scales[sub / 4], sub % 4);
  }
  static __m512i min_pair(const Block& block, uint32_t p) {
    return byte_pair(block.scales.mins[p / 2], p % 2);
  }
  static __m512 factor(const Block& block) { return halves(block.at->scale); }
  static __m512 min_factor(const Block& block) { return halves(block.at->min_scale); }
};

struct FormatQ4K : FormatWithPackedScales<PackedQ4K> {
  static void decode(const Block& block, uint32_t sub, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i both = _mm512_load_si512(block.at->quants[4 * sub + i]);
    w0 = low_nibbles(both);
    w1 = high_nibbles(both);
  }
};

// Bit q of every byte, as bit 4.
[[maybe_unused]] inline __m512i fifth_bit(__m512i bits, uint32_t q) {
  const __m512i moved = q < 4 ? _mm512_slli_epi16(bits, 4 - q) : _mm512_srli_epi16(bits, q - 4);
  return _mm512_and_si512(moved, _mm512_set1_epi8(16));
}

struct FormatQ5K : FormatWithPackedScales<PackedQ5K> {
  static void decode(const Block& block, uint32_t sub, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i both = _mm512_load_si512(block.at->subs[sub].quants[i]);
    const __m512i bits = _mm512_load_si512(block.at->subs[sub].fifth);
    w0 = _mm512_or_si512(low_nibbles(both), fifth_bit(bits, i));
    w1 = _mm512_or_si512(high_nibbles(both), fifth_bit(bits, i + 4));
  }
};

struct FormatQ6K {
  static constexpr uint32_t kBlock = 256, kSub = 16;
  static constexpr bool kOffset = true, kMins = false;
  using Block = FrontBlock<PackedQ6K>;
  static Block open(const uint8_t* group, uint32_t b) { return open_front<PackedQ6K>(group, b); }
  static void decode(const Block& block, uint32_t sub, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i low = _mm512_load_si512(block.at->subs[sub].low[i]);
    const __m512i high = _mm512_load_si512(block.at->subs[sub].high[i / 2]);
    const __m512i upper = _mm512_set1_epi8(0x30), up = _mm512_set1_epi8(128 - 32);
    const __m512i crumb0 = i % 2 == 0 ? _mm512_slli_epi16(high, 4) : high;
    const __m512i crumb1 = i % 2 == 0 ? _mm512_slli_epi16(high, 2) : _mm512_srli_epi16(high, 2);
    w0 = _mm512_add_epi8(_mm512_or_si512(low_nibbles(low), _mm512_and_si512(crumb0, upper)), up);
    w1 = _mm512_add_epi8(_mm512_or_si512(high_nibbles(low), _mm512_and_si512(crumb1, upper)), up);
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return signed_lane_byte(_mm512_load_si512(block.at->sub_scales[s / 4]), s % 4);
  }
  static __m512 factor(const Block& block) { return halves(block.scale); }
};

// Quads i and i + 4 of a plane of 2 bits, from the register that holds them.
[[maybe_unused]] inline __m512i crumb(__m512i line, uint32_t i, uint32_t upper) {
  return _mm512_and_si512(_mm512_srli_epi16(line, i % 2 * 4 + upper * 2), _mm512_set1_epi8(3));
}

struct FormatQ2K {
  static constexpr uint32_t kBlock = 256, kSub = 16;
  static constexpr bool kOffset = false, kMins = true;
  struct Block {
    const PackedQ2K* at;
  };
  static Block open(const uint8_t* group, uint32_t b) {
    return {reinterpret_cast<const PackedQ2K*>(group) + b};
  }
  static void decode(const Block& block, uint32_t sub, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i line = _mm512_load_si512(block.at->crumbs[2 * sub + i / 2]);
    w0 = crumb(line, i, 0);
    w1 = crumb(line, i, 1);
  }
  static __m512i scale(const Block& block, uint32_t s) {
    const __m512i bytes = _mm512_load_si512(block.at->sub_scales[s / 4]);
    return _mm512_and_si512(_mm512_srli_epi32(bytes, s % 4 * 8), _mm512_set1_epi32(15));
  }
  static __m512i min_pair(const Block& block, uint32_t p) {
    return byte_pair(high_nibbles(_mm512_load_si512(block.at->sub_scales[p / 2])), p % 2);
  }
  static __m512 factor(const Block& block) { return halves(block.at->scale); }
  static __m512 min_factor(const Block& block) { return halves(block.at->min_scale); }
};

struct FormatQ3K {
  static constexpr uint32_t kBlock = 256, kSub = 16;
  static constexpr bool kOffset = true, kMins = false;
  struct Block {
    const PackedQ3K* at;
    const uint16_t* scale;
    __m512i scales[4];  // bytes, 4 sub-blocks each
  };
  static Block open(const uint8_t* group, uint32_t b) {
    const FrontBlock<PackedQ3K> front = open_front<PackedQ3K>(group, b);
    const uint32_t(&words)[3][16] = front.at->sub_scales;
    const __m512i w0 = _mm512_load_si512(words[0]), w1 = _mm512_load_si512(words[1]);
    const __m512i upper = _mm512_load_si512(words[2]);
    const __m512i low[4] = {low_nibbles(w0), low_nibbles(w1), high_nibbles(w0), high_nibbles(w1)};
    Block block{front.at, front.scale, {}};
    for (uint32_t i = 0; i < 4; ++i) {
      const __m512i two = _mm512_and_si512(_mm512_srli_epi16(upper, 2 * i), _mm512_set1_epi8(3));
      block.scales[i] =
          _mm512_sub_epi8(_mm512_or_si512(low[i], _mm512_slli_epi16(two, 4)), _mm512_set1_epi8(32));
    }
    return block;
  }
  static void decode(const Block& block, uint32_t sub, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i line = _mm512_load_si512(block.at->subs[sub].crumbs[i / 2]);
    const __m512i bits = _mm512_load_si512(block.at->subs[sub].third);
    const __m512i up = _mm512_set1_epi8(128 - 4);
    w0 = _mm512_add_epi8(_mm512_or_si512(crumb(line, i, 0), third_bit(bits, i)), up);
    w1 = _mm512_add_epi8(_mm512_or_si512(crumb(line, i, 1), third_bit(bits, i + 4)), up);
  }
  // Bit q of every byte, as bit 2.
  static __m512i third_bit(__m512i bits, uint32_t q) {
    const __m512i moved = q < 2 ? _mm512_slli_epi16(bits, 2 - q) : _mm512_srli_epi16(bits, q - 2);
    return _mm512_and_si512(moved, _mm512_set1_epi8(4));
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return signed_lane_byte(block.scales[s / 4], s % 4);
  }
  static __m512 factor(const Block& block) { return halves(block.scale); }
};

// The 16 values of IQ4_NL and IQ4_XS, with 128 added.
[[maybe_unused]] inline __m512i iq4_values(__m512i nibbles) {
  const __m128i values =
      _mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), nibbles);
}

struct FormatIQ4XS {
  static constexpr uint32_t kBlock = 256, kSub = 32;
  static constexpr bool kOffset = true, kMins = false;
  struct Block {
    const PackedIQ4XS* at;
    __m512i low, high;  // bits of the scales
  };
  static Block open(const uint8_t* group, uint32_t b) {
    const PackedIQ4XS* at = reinterpret_cast<const PackedIQ4XS*>(group) + b;
    return {at, _mm512_load_si512(at->scales_low),
            _mm512_cvtepu16_epi32(
                _mm256_load_si256(reinterpret_cast<const __m256i*>(at->scales_high)))};
  }
  static void decode(const Block& block, uint32_t sub, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i both = _mm512_load_si512(block.at->quants[4 * sub + i]);
    w0 = iq4_values(low_nibbles(both));
    w1 = iq4_values(high_nibbles(both));
  }
  static __m512i scale(const Block& block, uint32_t s) {
    const __m512i low =
        _mm512_and_si512(_mm512_srli_epi32(block.low, 4 * s), _mm512_set1_epi32(15));
    const __m512i high =
        _mm512_and_si512(_mm512_srli_epi32(block.high, 2 * s), _mm512_set1_epi32(3));
    return _mm512_sub_epi32(_mm512_or_si512(low, _mm512_slli_epi32(high, 4)),
                            _mm512_set1_epi32(32));
  }
  static __m512 factor(const Block& block) { return halves(block.at->scale); }
};

struct FormatTQ20 {
  static constexpr uint32_t kBlock = 256, kSub = 256;
  static constexpr bool kOffset = true, kMins = false;
  using Block = FrontBlock<PackedTQ20>;
  static Block open(const uint8_t* group, uint32_t b) { return open_front<PackedTQ20>(group, b); }
  static void decode(const Block& block, uint32_t sub, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i line = _mm512_load_si512(block.at->crumbs[2 * sub + i / 2]);
    const __m512i up = _mm512_set1_epi8(128 - 1);
    w0 = _mm512_add_epi8(crumb(line, i, 0), up);
    w1 = _mm512_add_epi8(crumb(line, i, 1), up);
  }
  static __m512 factor(const Block& block) { return halves(block.scale); }
};

struct FormatQ40 {
  static constexpr uint32_t kBlock = 32, kSub = 32;
  static constexpr bool kOffset = true, kMins = false;
  using Block = FrontBlock<PackedQ40>;
  static Block open(const uint8_t* group, uint32_t b) { return open_front<PackedQ40>(group, b); }
  static void decode(const Block& block, uint32_t, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i both = _mm512_load_si512(block.at->quants[i]);
    w0 = _mm512_add_epi8(low_nibbles(both), _mm512_set1_epi8(128 - 8));
    w1 = _mm512_add_epi8(high_nibbles(both), _mm512_set1_epi8(128 - 8));
  }
  static __m512 factor(const Block& block) { return halves(block.scale); }
};

struct FormatIQ4NL {
  static constexpr uint32_t kBlock = 32, kSub = 32;
  static constexpr bool kOffset = true, kMins = false;
  using Block = FrontBlock<PackedQ40>;
  static Block open(const uint8_t* group, uint32_t b) { return open_front<PackedQ40>(group, b); }
  static void decode(const Block& block, uint32_t, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i both = _mm512_load_si512(block.at->quants[i]);
    w0 = iq4_values(low_nibbles(both));
    w1 = iq4_values(high_nibbles(both));
  }
  static __m512 factor(const Block& block) { return halves(block.scale); }
};

struct FormatQ50 {
  static constexpr uint32_t kBlock = 32, kSub = 32;
  static constexpr bool kOffset = true, kMins = false;
  using Block = FrontBlock<PackedQ50>;
  static Block open(const uint8_t* group, uint32_t b) { return open_front<PackedQ50>(group, b); }
  static void decode(const Block& block, uint32_t, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i both = _mm512_load_si512(block.at->quants[i]);
    const __m512i bits = _mm512_load_si512(block.at->fifth);
    const __m512i up = _mm512_set1_epi8(128 - 16);
    w0 = _mm512_add_epi8(_mm512_or_si512(low_nibbles(both), fifth_bit(bits, i)), up);
    w1 = _mm512_add_epi8(_mm512_or_si512(high_nibbles(both), fifth_bit(bits, i + 4)), up);
  }
  static __m512 factor(const Block& block) { return halves(block.scale); }
};

// Q4_1 and Q5_1 add their minimum; the contract subtracts one.
template <class Packed>
struct FormatWithMinimum32 {
  static constexpr uint32_t kBlock = 32, kSub = 32;
  static constexpr bool kOffset = false, kMins = true;
  struct Block {
    const Packed* at;
  };
  static Block open(const uint8_t* group, uint32_t b) {
    return {reinterpret_cast<const Packed*>(group) + b};
  }
  static __m512 factor(const Block& block) { return halves(block.at->scale); }
  static __m512 min_factor(const Block& block) {
    return _mm512_xor_ps(halves(block.at->min_scale), _mm512_set1_ps(-0.0f));
  }
};
struct FormatQ41 : FormatWithMinimum32<PackedQ41> {
  static void decode(const Block& block, uint32_t, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i both = _mm512_load_si512(block.at->quants[i]);
    w0 = low_nibbles(both);
    w1 = high_nibbles(both);
  }
};
struct FormatQ51 : FormatWithMinimum32<PackedQ51> {
  static void decode(const Block& block, uint32_t, uint32_t i, __m512i& w0, __m512i& w1) {
    const __m512i both = _mm512_load_si512(block.at->quants[i]);
    const __m512i bits = _mm512_load_si512(block.at->fifth);
    w0 = _mm512_or_si512(low_nibbles(both), fifth_bit(bits, i));
    w1 = _mm512_or_si512(high_nibbles(both), fifth_bit(bits, i + 4));
  }
};

struct FormatQ80 {
  static constexpr uint32_t kBlock = 32, kSub = 32;
  static constexpr bool kOffset = true, kMins = false;
  using Block = FrontBlock<PackedQ80>;
  static Block open(const uint8_t* group, uint32_t b) { return open_front<PackedQ80>(group, b); }
  static void decode(const Block& block, uint32_t, uint32_t i, __m512i& w0, __m512i& w1) {
    w0 = _mm512_load_si512(block.at->quants[i][0]);
    w1 = _mm512_load_si512(block.at->quants[i][1]);
  }
  static __m512 factor(const Block& block) { return halves(block.scale); }
};

}  // namespace
}  // namespace sotto::kernels

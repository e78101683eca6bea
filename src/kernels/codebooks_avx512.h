// The codebook formats and TQ1_0 as registers: 32 columns of 16 rows at a time, eight registers.
// SPDX-License-Identifier: Apache-2.0
//
// Formats as in formats_avx512.h, but for decode_sub(block, sub, w): the 32 columns from 32 * sub on
// as their eight quads. Calls come in ascending order of `sub`; a block may keep state between them.
// How the look-ups work is told, with pictures, in docs/internals/codebooks.md.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "gguf/codebooks.h"
#include "kernels/formats_avx512.h"
#include "kernels/layout.h"

namespace sotto::kernels {
namespace {

// Which 8 bits of its qword each byte of a register is to be, for each of eight quads: byte j of every
// dword is the bits of that dword from `first + quad * per_quad + j * per_byte` on, and may begin left
// of it, where the bits are any.
struct BitSelectors {
  alignas(64) uint8_t of[8][64];
};
constexpr BitSelectors bit_selectors(int first, int per_quad, int per_byte) {
  BitSelectors selectors{};
  for (int quad = 0; quad < 8; ++quad) {
    for (int i = 0; i < 64; ++i) {
      const int bit = first + quad * per_quad + i % 4 * per_byte + i / 4 % 2 * 32;
      selectors.of[quad][i] = static_cast<uint8_t>(bit & 63);
    }
  }
  return selectors;
}
[[maybe_unused]] inline __m512i select_bits(__m512i from, const BitSelectors& bits, uint32_t quad) {
  return _mm512_multishift_epi64_epi8(_mm512_load_si512(bits.of[quad]), from);
}

constexpr BitSelectors kSignsAtBit2 = bit_selectors(-2, 4, 1);  // of a dword of 32 signs
constexpr BitSelectors kSignsAtBit3 = bit_selectors(-3, 4, 1);
constexpr BitSelectors kSevenBits = bit_selectors(0, 0, 7);
constexpr BitSelectors kThreeBits = bit_selectors(0, 16, 3);  // of either half
constexpr BitSelectors kFourBits = bit_selectors(0, 16, 4);
constexpr BitSelectors kTwoBits = bit_selectors(0, 0, 2);
constexpr BitSelectors kBitsOnTop = bit_selectors(-7, 4, 1);
constexpr BitSelectors kCrumbsOfByte =
    bit_selectors(0, 8, 2);  // byte `quad` as four codes of 2 bits
// Byte `quad` as two codes of 4 bits, twice.
constexpr BitSelectors nibble_selectors() {
  BitSelectors selectors = bit_selectors(0, 8, 4);
  for (auto& quad : selectors.of) {
    for (int i = 0; i < 64; ++i) quad[i] = static_cast<uint8_t>(quad[i / 4 * 4 + i % 2]);
  }
  return selectors;
}
constexpr BitSelectors kNibblesOfByte = nibble_selectors();

// 64 weights by the lower 6 bits of a byte.
struct Values {
  alignas(64) uint8_t of[64];
};

// What stands for a code below a sign, with 128 added; bits above the sign do not matter.
template <int codes>
constexpr Values signed_values(const int (&magnitudes)[codes]) {
  Values values{};
  for (int i = 0; i < 64; ++i) {
    const int magnitude = magnitudes[i % codes];
    values.of[i] = static_cast<uint8_t>(128 + (i / codes % 2 == 0 ? magnitude : -magnitude));
  }
  return values;
}
constexpr Values kIq2Values = signed_values({8, 25, 43, 0});
constexpr Values kIq3XxsValues = signed_values({4, 12, 20, 28, 36, 44, 52, 62});
constexpr Values kIq3SValues = signed_values({1, 3, 5, 7, 9, 11, 13, 15});
// -8, 0, 8 with one added, or taken away if bit 2 is set.
constexpr Values iq1_values() {
  Values values{};
  for (int i = 0; i < 64; ++i) {
    values.of[i] = static_cast<uint8_t>(128 + 8 * (i % 4 - 1) + (i / 4 % 2 == 0 ? 1 : -1));
  }
  return values;
}
constexpr Values kIq1Values = iq1_values();

// The weights of codes whose bit `bit` is taken from `signs`.
template <int bit>
inline __m512i weights_of(__m512i codes, __m512i signs, const Values& values) {
  const __m512i mask = _mm512_set1_epi8(1 << bit);
  const __m512i both = _mm512_ternarylogic_epi32(mask, signs, codes, 0xca);  // mask ? signs : codes
  return _mm512_permutexvar_epi8(both, _mm512_load_si512(values.of));
}

// 64 indices: their lower bits, and masks of those from the eighth on.
struct Indices {
  __m512i bytes;
  __mmask64 bits[4];
};

// Table look-ups of n times 64 indices, in a table of 128 << deep bytes. Loading the tables is what they
// wait for, so that those of several registers go together.
template <int deep, int n>
inline void look_up(const uint8_t* table, const Indices (&indices)[n], __m512i (&out)[n]) {
  if constexpr (deep == 0) {
    const __m512i first = _mm512_load_si512(table), second = _mm512_load_si512(table + 64);
    for (int i = 0; i < n; ++i) {
      out[i] = _mm512_permutex2var_epi8(first, indices[i].bytes, second);
    }
  } else {
    __m512i upper[n];
    look_up<deep - 1>(table, indices, out);
    look_up<deep - 1>(table + (64 << deep), indices, upper);
    for (int i = 0; i < n; ++i) {
      out[i] = _mm512_mask_blend_epi8(indices[i].bits[deep - 1], out[i], upper[i]);
    }
  }
}

// Each byte through a matrix of bits: the lower seven as they are and the eighth their parity, or the
// same of the upper seven.
[[maybe_unused]] inline __m512i signs_of_lower_seven(__m512i bytes) {
  return _mm512_gf2p8affine_epi64_epi8(bytes, _mm512_set1_epi64(0x010204081020407f), 0);
}
[[maybe_unused]] inline __m512i signs_of_upper_seven(__m512i bytes) {
  return _mm512_gf2p8affine_epi64_epi8(bytes, _mm512_set1_epi64(0x02040810204080fe), 0);
}

// The odd number 2s + 1 of `bits` bits s of every dword, from bit `shift` on.
[[maybe_unused]] inline __m512i odd_scale(__m512i words, uint32_t shift, int bits) {
  const __m512i s =
      _mm512_and_si512(_mm512_srli_epi32(words, shift), _mm512_set1_epi32((1 << bits) - 1));
  return _mm512_add_epi32(_mm512_add_epi32(s, s), _mm512_set1_epi32(1));
}

[[maybe_unused]] inline __m512 halves_times(const uint16_t* at, float factor) {
  return _mm512_mul_ps(halves(at), _mm512_set1_ps(factor));
}

// Four entries of eight codes of 2 bits, in two bytes, and a dword of signs.
[[maybe_unused]] inline void iq2_weights(__m512i low, __m512i high, __m512i signs,
                                         __m512i (&w)[8]) {
#pragma GCC unroll 8
  for (uint32_t q = 0; q < 8; ++q) {
    const __m512i codes = select_bits(q % 2 == 0 ? low : high, kCrumbsOfByte, q / 2);
    w[q] = weights_of<2>(codes, select_bits(signs, kSignsAtBit2, q), kIq2Values);
  }
}

struct FormatIQ2XXS {
  static constexpr uint32_t kBlock = 256, kSub = 32;
  static constexpr bool kOffset = true, kMins = false;
  using Block = FrontBlock<PackedIQ2XXS>;
  static Block open(const uint8_t* group, uint32_t b) { return open_front<PackedIQ2XXS>(group, b); }
  static void decode_sub(const Block& block, uint32_t sub, __m512i (&w)[8]) {
    const __m512i index = _mm512_load_si512(block.at->subs[sub].indices);
    const __m512i seven = select_bits(_mm512_load_si512(block.at->subs[sub].signs), kSevenBits, 0);
    const Indices indices[1] = {{index, {_mm512_movepi8_mask(index)}}};
    __m512i low[1], high[1];
    look_up<1>(gguf::kIq2XxsPlanes.low, indices, low);
    look_up<1>(gguf::kIq2XxsPlanes.high, indices, high);
    iq2_weights(low[0], high[0], signs_of_lower_seven(seven), w);
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return odd_scale(_mm512_load_si512(block.at->subs[s].signs), 28, 4);
  }
  static __m512 factor(const Block& block) { return halves_times(block.scale, 1.0f / 8); }
};

constexpr uint32_t kAhead = 2;  // sub-blocks that are looked up together

// What stays of a look-up for the sub-blocks that follow.
template <class Packed>
struct BlockAhead {
  const Packed* at;
  const uint16_t* scale;
  __m512i low[kAhead], high[kAhead];
};
template <class Packed>
inline BlockAhead<Packed> open_ahead(const uint8_t* group, uint32_t b) {
  const FrontBlock<Packed> block = open_front<Packed>(group, b);
  return {block.at, block.scale, {}, {}};
}

struct FormatIQ2XS {
  static constexpr uint32_t kBlock = 256, kSub = 16;
  static constexpr bool kOffset = true, kMins = false;
  using Block = BlockAhead<PackedIQ2XS>;
  static Block open(const uint8_t* group, uint32_t b) { return open_ahead<PackedIQ2XS>(group, b); }
  static void decode_sub(Block& block, uint32_t sub, __m512i (&w)[8]) {
    if (sub % kAhead == 0) look_ahead(block, sub);
    const __m512i signs = signs_of_upper_seven(_mm512_load_si512(block.at->subs[sub].high));
    iq2_weights(block.low[sub % kAhead], block.high[sub % kAhead], signs, w);
  }
  static void look_ahead(Block& block, uint32_t sub) {
    Indices indices[kAhead];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < kAhead; ++i) {
      const __m512i index = _mm512_load_si512(block.at->subs[sub + i].low);
      const __m512i high = _mm512_load_si512(block.at->subs[sub + i].high);
      indices[i] = {index,
                    {_mm512_movepi8_mask(index), _mm512_test_epi8_mask(high, _mm512_set1_epi8(1))}};
    }
    look_up<2>(gguf::kIq2XsPlanes.low, indices, block.low);
    look_up<2>(gguf::kIq2XsPlanes.high, indices, block.high);
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return odd_scale(_mm512_load_si512(block.at->sub_scales[s / 8]), s % 8 * 4, 4);
  }
  static __m512 factor(const Block& block) { return halves_times(block.scale, 1.0f / 8); }
};

struct FormatIQ2S {
  static constexpr uint32_t kBlock = 256, kSub = 16;
  static constexpr bool kOffset = true, kMins = false;
  using Block = BlockAhead<PackedIQ2S>;
  static Block open(const uint8_t* group, uint32_t b) { return open_ahead<PackedIQ2S>(group, b); }
  static void decode_sub(Block& block, uint32_t sub, __m512i (&w)[8]) {
    if (sub % kAhead == 0) look_ahead(block, sub);
    const __m512i signs = _mm512_load_si512(block.at->subs[sub].signs);
    iq2_weights(block.low[sub % kAhead], block.high[sub % kAhead], signs, w);
  }
  static void look_ahead(Block& block, uint32_t sub) {
    Indices indices[kAhead];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < kAhead; ++i) {
      const __m512i index = _mm512_load_si512(block.at->subs[sub + i].low);
      const __m512i four = _mm512_load_si512(block.at->high[(sub + i) / 4]);
      const __m512i high = select_bits(_mm512_srli_epi32(four, (sub + i) % 4 * 8), kTwoBits, 0);
      indices[i] = {index,
                    {_mm512_movepi8_mask(index), _mm512_test_epi8_mask(high, _mm512_set1_epi8(1)),
                     _mm512_test_epi8_mask(high, _mm512_set1_epi8(2))}};
    }
    look_up<3>(gguf::kIq2SPlanes.low, indices, block.low);
    look_up<3>(gguf::kIq2SPlanes.high, indices, block.high);
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return odd_scale(_mm512_load_si512(block.at->sub_scales[s / 8]), s % 8 * 4, 4);
  }
  static __m512 factor(const Block& block) { return halves_times(block.scale, 1.0f / 8); }
};

// Quads 4 * half to 4 * half + 3: four entries of four codes of 4 bits, in two bytes.
[[maybe_unused]] inline void iq3_weights(__m512i low, __m512i high, __m512i signs, uint32_t half,
                                         const Values& values, __m512i (&w)[8]) {
  constexpr __mmask64 kUpperWords = 0xcccccccccccccccc;
#pragma GCC unroll 4
  for (uint32_t k = 0; k < 4; ++k) {
    const __m512i codes =
        _mm512_mask_multishift_epi64_epi8(select_bits(low, kNibblesOfByte, k), kUpperWords,
                                          _mm512_load_si512(kNibblesOfByte.of[k]), high);
    const uint32_t q = 4 * half + k;
    w[q] = weights_of<3>(codes, select_bits(signs, kSignsAtBit3, q), values);
  }
}

struct FormatIQ3XXS {
  static constexpr uint32_t kBlock = 256, kSub = 32;
  static constexpr bool kOffset = true, kMins = false;
  using Block = FrontBlock<PackedIQ3XXS>;
  static Block open(const uint8_t* group, uint32_t b) { return open_front<PackedIQ3XXS>(group, b); }
  static void decode_sub(const Block& block, uint32_t sub, __m512i (&w)[8]) {
    const __m512i seven = select_bits(_mm512_load_si512(block.at->subs[sub].signs), kSevenBits, 0);
    const __m512i signs = signs_of_lower_seven(seven);
    Indices indices[2];
#pragma GCC unroll 2
    for (uint32_t half = 0; half < 2; ++half) {
      const __m512i index = _mm512_load_si512(block.at->subs[sub].indices[half]);
      indices[half] = {index, {_mm512_movepi8_mask(index)}};
    }
    __m512i low[2], high[2];
    look_up<1>(gguf::kIq3XxsPlanes.low, indices, low);
    look_up<1>(gguf::kIq3XxsPlanes.high, indices, high);
    iq3_weights(low[0], high[0], signs, 0, kIq3XxsValues, w);
    iq3_weights(low[1], high[1], signs, 1, kIq3XxsValues, w);
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return odd_scale(_mm512_load_si512(block.at->subs[s].signs), 28, 4);
  }
  static __m512 factor(const Block& block) { return halves_times(block.scale, 1.0f / 4); }
};

struct FormatIQ3S {
  static constexpr uint32_t kBlock = 256, kSub = 32;
  static constexpr bool kOffset = true, kMins = false;
  using Block = FrontBlock<PackedIQ3S>;
  static Block open(const uint8_t* group, uint32_t b) { return open_front<PackedIQ3S>(group, b); }
  static void decode_sub(const Block& block, uint32_t sub, __m512i (&w)[8]) {
    const __m512i signs = _mm512_load_si512(block.at->subs[sub].signs);
    const __m512i four = _mm512_load_si512(block.at->high[sub / 4]);
    const __m512i eighth = _mm512_srli_epi32(four, sub % 4 * 8);
    Indices indices[2];
#pragma GCC unroll 2
    for (uint32_t half = 0; half < 2; ++half) {
      const __m512i index = _mm512_load_si512(block.at->subs[sub].low[half]);
      indices[half] = {
          index,
          {_mm512_movepi8_mask(index), _mm512_movepi8_mask(select_bits(eighth, kBitsOnTop, half))}};
    }
    __m512i low[2], high[2];
    look_up<2>(gguf::kIq3SPlanes.low, indices, low);
    look_up<2>(gguf::kIq3SPlanes.high, indices, high);
    iq3_weights(low[0], high[0], signs, 0, kIq3SValues, w);
    iq3_weights(low[1], high[1], signs, 1, kIq3SValues, w);
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return odd_scale(_mm512_load_si512(block.at->sub_scales), s * 4, 4);
  }
  static __m512 factor(const Block& block) { return halves(block.scale); }
};

// Entries of 2048, whose upper three bits are the lowest of each byte of `upper`.
[[maybe_unused]] inline Indices indices_of_11(__m512i lower, __m512i upper) {
  return {lower,
          {_mm512_movepi8_mask(lower), _mm512_test_epi8_mask(upper, _mm512_set1_epi8(1)),
           _mm512_test_epi8_mask(upper, _mm512_set1_epi8(2)),
           _mm512_test_epi8_mask(upper, _mm512_set1_epi8(4))}};
}

// Quads 2k and 2k + 1 from byte k of two planes; bit 2 of every byte of `minus` is the eighth's sign.
[[maybe_unused]] inline void iq1_weights(__m512i low, __m512i high, __m512i minus, uint32_t k,
                                         __m512i (&w)[8]) {
  w[2 * k] = weights_of<2>(select_bits(low, kCrumbsOfByte, k), minus, kIq1Values);
  w[2 * k + 1] = weights_of<2>(select_bits(high, kCrumbsOfByte, k), minus, kIq1Values);
}

// All bits of every dword as its bit `bit`.
[[maybe_unused]] inline __m512i spread_bit(__m512i words, uint32_t bit) {
  return _mm512_srai_epi32(_mm512_slli_epi32(words, 31 - bit), 31);
}

// The entries of kAhead times 32 columns; `bits` says where the upper bits of their indices are.
template <class Packed, class Bits>
[[maybe_unused]] inline void look_up_iq1(BlockAhead<Packed>& block, uint32_t sub,
                                         const Bits& bits) {
  Indices indices[kAhead];
#pragma GCC unroll 4
  for (uint32_t i = 0; i < kAhead; ++i) {
    const auto& pair = block.at->pairs[(sub + i) / 2];
    const __m512i upper = select_bits(_mm512_load_si512(pair.high), bits, (sub + i) % 2);
    indices[i] = indices_of_11(_mm512_load_si512(pair.low[(sub + i) % 2]), upper);
  }
  look_up<4>(gguf::kIq1Planes.low, indices, block.low);
  look_up<4>(gguf::kIq1Planes.high, indices, block.high);
}

struct FormatIQ1S {
  static constexpr uint32_t kBlock = 256, kSub = 32;
  static constexpr bool kOffset = true, kMins = false;
  using Block = BlockAhead<PackedIQ1S>;
  static Block open(const uint8_t* group, uint32_t b) { return open_ahead<PackedIQ1S>(group, b); }
  static void decode_sub(Block& block, uint32_t sub, __m512i (&w)[8]) {
    if (sub % kAhead == 0) look_up_iq1(block, sub, kThreeBits);
    const __m512i high = _mm512_load_si512(block.at->pairs[sub / 2].high);
    const __m512i minus = spread_bit(high, sub % 2 * 16 + 15);
#pragma GCC unroll 4
    for (uint32_t k = 0; k < 4; ++k) {
      iq1_weights(block.low[sub % kAhead], block.high[sub % kAhead], minus, k, w);
    }
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return odd_scale(_mm512_load_si512(block.at->pairs[s / 2].high), s % 2 * 16 + 12, 3);
  }
  static __m512 factor(const Block& block) { return halves_times(block.scale, 1.0f / 8); }
};

struct FormatIQ1M {
  static constexpr uint32_t kBlock = 256, kSub = 16;
  static constexpr bool kOffset = true, kMins = false;
  using Block = BlockAhead<PackedIQ1M>;
  static Block open(const uint8_t* group, uint32_t b) {
    return {reinterpret_cast<const PackedIQ1M*>(group) + b, nullptr, {}, {}};
  }
  static void decode_sub(Block& block, uint32_t sub, __m512i (&w)[8]) {
    if (sub % kAhead == 0) look_up_iq1(block, sub, kFourBits);
    const __m512i high = _mm512_load_si512(block.at->pairs[sub / 2].high);
#pragma GCC unroll 4
    for (uint32_t k = 0; k < 4; ++k) {
      const __m512i minus = spread_bit(high, sub % 2 * 16 + 4 * k + 3);
      iq1_weights(block.low[sub % kAhead], block.high[sub % kAhead], minus, k, w);
    }
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return odd_scale(_mm512_load_si512(block.at->sub_scales[s / 8]), s / 4 % 2 * 16 + s % 4 * 3, 3);
  }
  // Its bits are the uppermost four of each half.
  static __m512 factor(const Block& block) {
    const __m512i first = _mm512_load_si512(block.at->sub_scales[0]);
    const __m512i second = _mm512_load_si512(block.at->sub_scales[1]);
    const auto nibble = [](__m512i moved, int mask) {
      return _mm512_and_si512(moved, _mm512_set1_epi32(mask));
    };
    const __m512i lower = _mm512_or_si512(nibble(_mm512_srli_epi32(first, 12), 0xf),
                                          nibble(_mm512_srli_epi32(first, 24), 0xf0));
    const __m512i upper = _mm512_or_si512(nibble(_mm512_srli_epi32(second, 4), 0xf00),
                                          nibble(_mm512_srli_epi32(second, 16), 0xf000));
    const __m256i half = _mm512_cvtepi32_epi16(_mm512_or_si512(lower, upper));
    return _mm512_mul_ps(_mm512_cvtph_ps(half), _mm512_set1_ps(1.0f / 8));
  }
};

// A byte is a fraction of 256 in base three: three times it gives a digit, carried over, and the
// fraction that is left.
struct FormatTQ10 {
  static constexpr uint32_t kBlock = 256, kSub = 256;
  static constexpr bool kOffset = true, kMins = false;
  struct Block {
    const PackedTQ10* at;
    const uint16_t* scale;
    __m512i fraction[8];
  };
  static Block open(const uint8_t* group, uint32_t b) {
    const FrontBlock<PackedTQ10> block = open_front<PackedTQ10>(group, b);
    return {block.at, block.scale, {}};
  }
  // Columns 0 to 159 are five digits of 32 bytes, up to 239 five of 16, the rest four of 4.
  static void decode_sub(Block& block, uint32_t sub, __m512i (&w)[8]) {
    if (sub == 0) load(block, 0, 8);
    if (sub == 5) load(block, 8, 4);
    if (sub < 5) {
#pragma GCC unroll 8
      for (uint32_t q = 0; q < 8; ++q) w[q] = next_digit(block.fraction[q]);
      return;
    }
#pragma GCC unroll 4
    for (uint32_t q = 0; q < 4; ++q) w[q] = next_digit(block.fraction[q]);
    if (sub == 7) load(block, 12, 1);
#pragma GCC unroll 4
    for (uint32_t q = 0; q < 4; ++q) w[4 + q] = next_digit(block.fraction[sub == 7 ? 0 : q]);
  }
  static void load(Block& block, uint32_t first, uint32_t count) {
#pragma GCC unroll 8
    for (uint32_t q = 0; q < count; ++q) {
      block.fraction[q] = _mm512_load_si512(block.at->digits[first + q]);
    }
  }
  // 127 + the digit. The carry of 3f is the two upper bits of (f + f / 2) / 2, both halves rounded
  // down: averages round up, so that they begin at f - 1. A matrix of bits makes 127, 128 or 129 of them.
  static __m512i next_digit(__m512i& f) {
    const __m512i less = _mm512_subs_epu8(f, _mm512_set1_epi8(1));
    const __m512i half = _mm512_avg_epu8(less, _mm512_setzero_si512());
    const __m512i carry = _mm512_avg_epu8(less, half);
    f = _mm512_add_epi8(_mm512_add_epi8(f, f), f);
    const __m512i matrix = _mm512_set1_epi64(0x40c0c0c0c0c0c0c0);
    return _mm512_gf2p8affine_epi64_epi8(carry, matrix, 0x7f);
  }
  static __m512 factor(const Block& block) { return halves(block.scale); }
};

}  // namespace
}  // namespace sotto::kernels

// A block of 16 rows decoded once, for many tokens, and what takes it in a format's place.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/formats_avx512.h"

namespace sotto::kernels {
namespace {

// What a format of blocks of 256 says of one block: unsigned weights as [64 quads][16 rows][4], scales.
template <class Format>
struct alignas(64) Panel {
  static constexpr uint32_t kSubs = Format::kSub < 256 ? 256 / Format::kSub : 0;
  uint8_t quads[64][64];
  int32_t scales[kSubs + 1][16];
  uint32_t min_pairs[kSubs / 2 + 1][16];
  float factor[16];
  float min_factor[16];

  void fill(typename Format::Block& block) {
#pragma GCC unroll 8
    for (uint32_t sub = 0; sub < 8; ++sub) {
      __m512i w[8];
      if constexpr (DecodesSubs<Format>) Format::decode_sub(block, sub, w);
#pragma GCC unroll 8
      for (uint32_t i = 0; i < 4; ++i) {
        if constexpr (!DecodesSubs<Format>) Format::decode(block, sub, i, w[i], w[i + 4]);
        _mm512_store_si512(quads[8 * sub + i], w[i]);
        _mm512_store_si512(quads[8 * sub + 4 + i], w[i + 4]);
      }
    }
    if constexpr (kSubs > 0) {
#pragma GCC unroll 16
      for (uint32_t s = 0; s < kSubs; ++s) _mm512_store_si512(scales[s], Format::scale(block, s));
    }
    _mm512_store_ps(factor, Format::factor(block));
    if constexpr (Format::kMins) {
#pragma GCC unroll 8
      for (uint32_t p = 0; p < kSubs / 2; ++p) {
        _mm512_store_si512(min_pairs[p], Format::min_pair(block, p));
      }
      _mm512_store_ps(min_factor, Format::min_factor(block));
    }
  }
};

template <class Format>
struct FromPanel {
  static constexpr uint32_t kBlock = 256, kSub = Format::kSub;
  static constexpr bool kOffset = Format::kOffset, kMins = Format::kMins;
  struct Block {
    const Panel<Format>* at;
  };
  static void decode(const Block& block, uint32_t sub, uint32_t i, __m512i& w0, __m512i& w1) {
    w0 = _mm512_load_si512(block.at->quads[8 * sub + i]);
    w1 = _mm512_load_si512(block.at->quads[8 * sub + 4 + i]);
  }
  static __m512i scale(const Block& block, uint32_t s) {
    return _mm512_load_si512(block.at->scales[s]);
  }
  static __m512i min_pair(const Block& block, uint32_t p) {
    return _mm512_load_si512(block.at->min_pairs[p]);
  }
  static __m512 factor(const Block& block) { return _mm512_load_ps(block.at->factor); }
  static __m512 min_factor(const Block& block) { return _mm512_load_ps(block.at->min_factor); }
};

}  // namespace
}  // namespace sotto::kernels

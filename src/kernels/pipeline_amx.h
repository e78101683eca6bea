// One block of 256 columns: two panels times all tokens of a pass, tile by tile.
// SPDX-License-Identifier: Apache-2.0
//
// A tile is 16 rows by 16 tokens. Its chains of products (one for each digit, four long) keep the tile
// unit busy; around them, so that nothing waits [docs/internals/amx.md]:
//   - a chain's sums are stored only after the next chain, since a store right behind its products
//     waits for them and holds up what follows;
//   - they are turned into floats a chain later still, when the stores have left for the cache, in
//     pieces between the products.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/panels_amx.h"
#include "kernels/tiles_amx.h"

namespace sotto::kernels {
namespace {

constexpr uint32_t kPanels = 2;  // row groups that share a tile of activations once it is loaded

// Sums of rows in memory: [panel][token][16].
struct SumsPlace {
  float* at;
  uint64_t panel_stride;
  uint64_t token_stride;
};

// Weights that are needed soon: `lines` cache lines of each of two groups. They are asked for bit by
// bit, between the tiles: all at once they would keep the tiles' own loads waiting.
struct WeightsAhead {
  const char* at;
  uint64_t panel_stride;
  uint32_t lines;
  uint32_t share;  // of one tile

  // The share of the tile that is number `row` of its panel.
  [[gnu::always_inline]] void ask(uint32_t panel, uint32_t row) const {
    const char* from = at + panel * panel_stride;
    for (uint32_t line = row * share; line < (row + 1) * share && line < lines; ++line) {
      _mm_prefetch(from + 64 * line, _MM_HINT_T1);
    }
  }
};

// One block of 256 columns of a pass, but for its weights.
struct BlockJob {
  const ActivationBlock* input;  // of the first token
  uint64_t input_stride;         // blocks to the next 256 columns
  uint32_t tokens;
  SumsPlace from;  // the sums over the blocks before; not read where `begun` is 0
  SumsPlace to;
  SumsPlace next;   // where the next block's sums will go
  bool inside;      // both are the same place, tokens side by side
  __mmask16 begun;  // all ones but for the first block
  WeightsAhead weights;
};

// Tile n of a block: panels go round within 16 tokens.
struct TilePlace {
  uint32_t panel;
  uint32_t first_token;
  uint32_t keep;  // bit r: token first_token + r is this tile's to finish
};

// Where the tokens do not fill the last tile it begins earlier, and what it computes again is not
// kept; fewer than 16 tokens are a tile of fewer rows.
[[gnu::always_inline]] inline TilePlace tile_place(uint32_t tokens, uint32_t panels, uint32_t n) {
  const uint32_t row = panels == kPanels ? n / kPanels : n;
  const uint32_t panel = panels == kPanels ? n % kPanels : 0;
  const uint32_t first = 16 * row;
  if (tokens < 16) return {panel, 0, (1u << tokens) - 1};
  if (first + 16 <= tokens) return {panel, first, 0xffff};
  return {panel, tokens - 16, 0xffffu << (first + 16 - tokens) & 0xffff};
}

[[maybe_unused]] inline uint32_t token_tiles(uint32_t tokens) {
  return (tokens + 15) / 16;
}

// The activations that are needed next: those of the following tokens, or at the end those of the
// following block. They lie far apart, so that no hardware sees them coming. Each panel's turn asks
// for half of what is needed of a token, which is 4 lines of quants and the one of scale and sums.
[[gnu::always_inline]] inline const char* ahead_of(const BlockJob& job, uint32_t panel,
                                                   uint32_t token) {
  const bool last = token + 16 >= job.tokens;
  const ActivationBlock* next = last ? job.input + job.input_stride : job.input + token + 16;
  return reinterpret_cast<const char*>(next) + 192 * panel;
}
[[gnu::always_inline]] inline void prefetch_half(const char* at) {
  _mm_prefetch(at, _MM_HINT_T0);
  _mm_prefetch(at + 64, _MM_HINT_T0);
  _mm_prefetch(at + 128, _MM_HINT_T0);
}

// The sums of digits on their way from tiles to floats: of two tiles with two digits, or of four.
struct alignas(64) Ring {
  int32_t sums[4 * 16][16];  // [16 * (chain modulo 4) + token][row]

  [[gnu::always_inline]] int32_t (*of_chain(uint32_t c))[16] { return sums + 16 * (c % 4); }
};

// What is left to do for one tile when its products are done, token by token.
template <class Digits, uint32_t kMinPairs, bool inside>
struct Finish {
  const int32_t (*sums)[16];  // of the high digit, or the only one; 16 tokens on, of the low one
  const uint8_t* input;
  const float* from;
  float* to;
  uint64_t from_stride, to_stride;
  uint32_t keep;
  __mmask16 begun;
  __m512 factor, min_factor;
  __m512i mins[kMinPairs + 1];

  [[gnu::always_inline]] Finish(const Panel* panels, const BlockJob& job, const TilePlace& tile,
                                const Ring& ring, uint32_t n)
      : from_stride(job.from.token_stride),
        to_stride(inside ? 16 : job.to.token_stride),
        keep(tile.keep),
        begun(job.begun) {
    const Panel& panel = panels[tile.panel];
    sums = ring.sums + 16 * (n * Digits::kCount % 4);
    input = reinterpret_cast<const uint8_t*>(job.input + tile.first_token);
    from = job.from.at + tile.panel * job.from.panel_stride + tile.first_token * from_stride;
    to = job.to.at + tile.panel * job.to.panel_stride + tile.first_token * to_stride;
    factor = _mm512_load_ps(panel.factor);
    if constexpr (kMinPairs > 0) {
      min_factor = _mm512_load_ps(panel.min_factor);
#pragma GCC unroll 8
      for (uint32_t p = 0; p < kMinPairs; ++p) mins[p] = _mm512_load_si512(panel.mins[p]);
    }
  }

  // The next token, which is number r of the tile, its activations `offset` bytes on: D from its
  // digits, M, and the contract's roundings.
  [[gnu::always_inline]] void token(uint32_t r, uint64_t offset) {
    if ((keep >> r & 1) != 0) {
      const auto* block = reinterpret_cast<const ActivationBlock*>(input + offset);
      __m512i dot = _mm512_load_si512(sums[r]);
      if constexpr (Digits::kCount == 2) {
        dot = _mm512_add_epi32(_mm512_slli_epi32(dot, Digits::kShift),
                               _mm512_load_si512(sums[16 + r]));
      }
      if constexpr (Digits::kNegated) dot = _mm512_sub_epi32(_mm512_setzero_si512(), dot);
      __m512 product = _mm512_mul_ps(factor, _mm512_cvtepi32_ps(dot));
      if constexpr (kMinPairs > 0) {
        product = _mm512_fnmadd_ps(min_factor, _mm512_cvtepi32_ps(min_dot(*block)), product);
      }
      float* out = inside ? to + 16 * r : to;
      const __m512 sum = _mm512_maskz_loadu_ps(begun, inside ? out : from);
      _mm512_storeu_ps(out, _mm512_fmadd_ps(_mm512_set1_ps(block->scales[0]), product, sum));
    }
    if constexpr (!inside) {
      from += from_stride;
      to += to_stride;
    }
  }

 private:
  // M of the contract. It costs a vector operation for two minima; as a tile of bfloat16 it would cost
  // a ninth product, a third store, and splitting the sums anew in every call.
  [[gnu::always_inline]] __m512i min_dot(const ActivationBlock& block) const {
    const int16_t* input_sums = kMinPairs == 8 ? block.sums16 : block.sums32;
    __m512i dot = _mm512_setzero_si512();
#pragma GCC unroll 8
    for (uint32_t p = 0; p < kMinPairs; ++p) {
      dot = _mm512_dpwssd_epi32(dot, mins[p], broadcast_dword(input_sums + 2 * p));
    }
    return dot;
  }
};

// How the work between products walks along the tokens: of an earlier tile, and of the next.
struct Walk {
  const char* ahead;
  const char* next;  // the sums of the next block, which may lie far apart
  uint64_t next_stride;
  uint64_t offset = 0;
};

// A digit's product with 64 of the 256 columns, and between it and the next some tokens of an earlier
// tile. Activations are tiles 2 to 5, weights alternate between 6 and 7.
template <class Digits, int sums, int k, uint32_t tokens, class Finisher>
[[gnu::always_inline]] inline void link(const uint8_t (*digit)[64], Finisher& earlier,
                                        uint32_t first, Walk& walk) {
  constexpr int kWeights = kWeightTile + k % 2;
  tile_load<kWeights>(digit[16 * k], 64);
  tile_dot<Digits::kSigned, sums, 2 + k, kWeights>();
#pragma GCC unroll 4
  for (uint32_t r = 0; r < tokens; ++r) {
    earlier.token(first + tokens * k + r, walk.offset);
    prefetch_half(walk.ahead + walk.offset);
    _mm_prefetch(walk.next, _MM_HINT_T1);
    walk.next += walk.next_stride;
    walk.offset += sizeof(ActivationBlock);
  }
}

template <class Digits, int sums, uint32_t tokens, class Finisher>
[[gnu::always_inline]] inline void chain(const uint8_t (*digit)[64], Finisher& earlier,
                                         uint32_t first, Walk& walk) {
  tile_zero<sums>();
  link<Digits, sums, 0, tokens>(digit, earlier, first, walk);
  link<Digits, sums, 1, tokens>(digit, earlier, first, walk);
  link<Digits, sums, 2, tokens>(digit, earlier, first, walk);
  link<Digits, sums, 3, tokens>(digit, earlier, first, walk);
}

[[gnu::always_inline]] inline void load_tokens(const BlockJob& job, uint32_t first_token) {
  const ActivationBlock* input = job.input + first_token;
  constexpr uint64_t stride = sizeof(ActivationBlock);
  tile_load<2>(input->quants, stride);
  tile_load<3>(input->quants + 64, stride);
  tile_load<4>(input->quants + 128, stride);
  tile_load<5>(input->quants + 192, stride);
}

template <class Digits, uint32_t kMinPairs, bool inside>
struct Pipeline {
  // Tiles that lie between a tile's products and the end of its work: three chains.
  static constexpr uint32_t kLag = Digits::kCount == 2 ? 2 : 3;
  using Finisher = Finish<Digits, kMinPairs, inside>;

  static Finisher finisher(const Panel* panels, uint32_t count, const BlockJob& job,
                           const Ring& ring, uint32_t n, bool exists) {
    TilePlace tile = exists ? tile_place(job.tokens, count, n) : TilePlace{0, 0, 0};
    return Finisher(panels, job, tile, ring, n);
  }

  // Tile n, in sums 0 and 1 by turns. Chain c is stored after chain c + 1, also across tiles.
  template <int first_sums>
  [[gnu::always_inline]] static void step(const Panel* panels, uint32_t count, const BlockJob& job,
                                          Ring& ring, uint32_t n) {
    const TilePlace tile = tile_place(job.tokens, count, n);
    Finisher earlier = finisher(panels, count, job, ring, n - kLag, n >= kLag);
    Walk walk{ahead_of(job, tile.panel, tile.first_token),
              reinterpret_cast<const char*>(job.next.at + tile.panel * job.next.panel_stride +
                                            tile.first_token * job.next.token_stride),
              job.next.token_stride * sizeof(float)};
    job.weights.ask(tile.panel, tile.first_token / 16);
    if (tile.panel == 0) load_tokens(job, tile.first_token);
    const Panel& panel = panels[tile.panel];
    constexpr uint32_t kTokens = 4 / Digits::kCount;  // finished between two products
    const uint32_t c = n * Digits::kCount;
    chain<Digits, first_sums, kTokens>(panel.digits[0], earlier, 0, walk);
    if (n > 0) tile_store<1 - first_sums>(ring.of_chain(c - 1), 64);
    if constexpr (Digits::kCount == 2) {
      chain<Digits, 1 - first_sums, kTokens>(panel.digits[1], earlier, 8, walk);
      tile_store<first_sums>(ring.of_chain(c), 64);
    }
  }

  static void run(const Panel* panels, uint32_t count, const BlockJob& job, Ring& ring) {
    const uint32_t tiles = count * token_tiles(job.tokens);
    for (uint32_t n = 0; n < tiles; ++n) {
      if (Digits::kCount == 1 && n % 2 == 1) {
        step<1>(panels, count, job, ring, n);
      } else {
        step<0>(panels, count, job, ring, n);
      }
    }
    const uint32_t last = tiles * Digits::kCount - 1;
    if (last % 2 == 0) {
      tile_store<0>(ring.of_chain(last), 64);
    } else {
      tile_store<1>(ring.of_chain(last), 64);
    }
    for (uint32_t n = tiles > kLag ? tiles - kLag : 0; n < tiles; ++n) {
      Finisher rest = finisher(panels, count, job, ring, n, true);
      for (uint32_t r = 0; r < 16; ++r) rest.token(r, r * sizeof(ActivationBlock));
    }
  }
};

}  // namespace
}  // namespace sotto::kernels

// The same for blocks of 32 columns: eight products, each with sums and scales of its own.
// SPDX-License-Identifier: Apache-2.0
//
// Every product's sums become floats at once, so the floats of 16 tokens stay in registers over the
// eight blocks; the work on them, not the tiles, sets the pace.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/pipeline_amx.h"

namespace sotto::kernels {
namespace {

struct alignas(64) Ring32 {
  int32_t sums[8][16][16];  // [block][token][row]
  // What the blocks of 16 tokens are multiplied with, side by side, for these tokens and the ones
  // before. Rows of tokens that are not there stay as they are cleared.
  float scales[2][16][8];
  float token_sums[2][16][8];
};

template <bool mins>
[[gnu::always_inline]] inline void copy_scales(const BlockJob& job, const TilePlace& tile,
                                               uint32_t tokens_tile, Ring32& ring) {
  const ActivationBlock* input = job.input + tile.first_token;
  const uint32_t rows = job.tokens < 16 ? job.tokens : 16;
  for (uint32_t r = 0; r < rows; ++r, ++input) {
    _mm256_store_ps(ring.scales[tokens_tile % 2][r], _mm256_load_ps(input->scales));
    if constexpr (mins) {
      const __m128i sums = _mm_load_si128(reinterpret_cast<const __m128i*>(input->sums32));
      _mm256_store_ps(ring.token_sums[tokens_tile % 2][r],
                      _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(sums)));
    }
  }
}

// The sums of one tile from block to block.
template <bool mins>
struct Finish32 {
  const Panel32& panel;
  const Ring32& ring;
  TilePlace tile;
  uint32_t turn;    // of the tokens' scales
  uint32_t blocks;  // that there are
  __m512 sum[16];

  [[gnu::always_inline]] Finish32(const Panel32* panels, const BlockJob& job,
                                  const TilePlace& the_tile, uint32_t tokens_tile,
                                  uint32_t the_blocks, const Ring32& the_ring)
      : panel(panels[the_tile.panel]),
        ring(the_ring),
        tile(the_tile),
        turn(tokens_tile % 2),
        blocks(the_blocks) {
    const float* from =
        job.from.at + tile.panel * job.from.panel_stride + tile.first_token * job.from.token_stride;
#pragma GCC unroll 16
    for (uint32_t r = 0; r < 16; ++r, from += job.from.token_stride) {
      const __mmask16 here = (tile.keep >> r & 1) != 0 ? job.begun : __mmask16{0};
      sum[r] = _mm512_maskz_loadu_ps(here, from);
    }
  }

  [[gnu::always_inline]] void block(uint32_t b) {
    if (b >= blocks) return;
    const __m512 factor = _mm512_load_ps(panel.factor[b]);
#pragma GCC unroll 16
    for (uint32_t r = 0; r < 16; ++r) {
      __m512 product =
          _mm512_mul_ps(factor, _mm512_cvtepi32_ps(_mm512_load_si512(ring.sums[b][r])));
      if constexpr (mins) {  // each row's minimum stands for all 32 columns
        const __m512 min_dot = _mm512_set1_ps(ring.token_sums[turn][r][b]);
        product = _mm512_fnmadd_ps(_mm512_load_ps(panel.min_factor[b]), min_dot, product);
      }
      sum[r] = _mm512_fmadd_ps(_mm512_set1_ps(ring.scales[turn][r][b]), product, sum[r]);
    }
  }

  [[gnu::always_inline]] void store(const BlockJob& job) const {
    float* to =
        job.to.at + tile.panel * job.to.panel_stride + tile.first_token * job.to.token_stride;
#pragma GCC unroll 16
    for (uint32_t r = 0; r < 16; ++r, to += job.to.token_stride) {
      if ((tile.keep >> r & 1) != 0) _mm512_storeu_ps(to, sum[r]);
    }
  }
};

// Block b of a tile in sums b % 4, which until now held those of the block four before; meanwhile
// block b of the tile before. Activations are tiles 4 and 5, two blocks each.
template <int b, class Finisher>
[[gnu::always_inline]] inline void link_32(const Panel32& panel, const ActivationBlock* input,
                                           uint64_t stride, Ring32& ring, Finisher& earlier) {
  constexpr int kTokens = 4 + b / 2 % 2, kWeights = kWeightTile + b % 2, kSums = b % 4;
  if constexpr (b % 2 == 0) tile_load<kTokens>(input->quants + 32 * b, stride);
  tile_store<kSums>(ring.sums[(b + 4) % 8], 64);
  tile_load<kWeights>(panel.weights[b % 2 == 0 ? 2 * b + 1 : 2 * b], 64);
  tile_zero<kSums>();
  tile_dot<true, kSums, kTokens, kWeights>();
  earlier.block(b);
}

template <bool mins>
struct Pipeline32 {
  using Finisher = Finish32<mins>;

  [[gnu::always_inline]] static void step(const Panel32* panels, uint32_t count, uint32_t blocks,
                                          const BlockJob& job, Ring32& ring, uint32_t n) {
    const TilePlace tile = tile_place(job.tokens, count, n);
    const uint32_t before = n == 0 ? 0 : n - 1;
    TilePlace tile_before = tile_place(job.tokens, count, before);
    if (n == 0) tile_before.keep = 0;
    job.weights.ask(tile.panel, tile.first_token / 16);
    if (tile.panel == 0) copy_scales<mins>(job, tile, n / count, ring);
    Finisher earlier(panels, job, tile_before, before / count, blocks, ring);
    const ActivationBlock* input = job.input + tile.first_token;
    constexpr uint64_t stride = sizeof(ActivationBlock);
    const Panel32& panel = panels[tile.panel];
    link_32<0>(panel, input, stride, ring, earlier);
    link_32<1>(panel, input, stride, ring, earlier);
    link_32<2>(panel, input, stride, ring, earlier);
    link_32<3>(panel, input, stride, ring, earlier);
    link_32<4>(panel, input, stride, ring, earlier);
    link_32<5>(panel, input, stride, ring, earlier);
    link_32<6>(panel, input, stride, ring, earlier);
    link_32<7>(panel, input, stride, ring, earlier);
    earlier.store(job);
  }

  // `blocks` (1 to 8) of 32 columns.
  static void run(const Panel32* panels, uint32_t count, uint32_t blocks, const BlockJob& job,
                  Ring32& ring) {
    const uint32_t tiles = count * token_tiles(job.tokens);
    for (uint32_t n = 0; n < tiles; ++n) step(panels, count, blocks, job, ring, n);
    tile_store<0>(ring.sums[4], 64);
    tile_store<1>(ring.sums[5], 64);
    tile_store<2>(ring.sums[6], 64);
    tile_store<3>(ring.sums[7], 64);
    Finisher rest(panels, job, tile_place(job.tokens, count, tiles - 1), (tiles - 1) / count,
                  blocks, ring);
    for (uint32_t b = 0; b < 8; ++b) rest.block(b);
    rest.store(job);
  }
};

}  // namespace
}  // namespace sotto::kernels

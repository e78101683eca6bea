// The tile instructions of AMX as functions whose tile numbers are template arguments.
// SPDX-License-Identifier: Apache-2.0
//
// They are statements of assembly because GCC's intrinsics paste the number of a tile as text and so
// take no constant expression. The compiler keeps them in order among themselves, and loads and stores
// of tiles also against all other access to memory: ordinary code writes panels before they are
// loaded and reads sums after they are stored.
#pragma once

#include <cstdint>

namespace sotto::kernels {
namespace {

// What LDTILECFG reads.
struct alignas(64) TileShapes {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(TileShapes) == 64);

// Tiles hold sums and activations, 16 or fewer tokens by 64 bytes, from 0 up, and weights from here
// up, 16 registers of a panel.
constexpr int kWeightTile = 6;

// The calling thread's tiles, all zero. To be released by the same call of a kernel: a thread that
// is switched away in between takes 8 KiB along, and what stands in tiles came from a prompt.
[[maybe_unused]] inline void configure_tiles(uint32_t tokens) {
  TileShapes shapes{};
  shapes.palette = 1;
  for (int tile = 0; tile < 8; ++tile) {
    shapes.row_bytes[tile] = 64;
    shapes.rows[tile] = static_cast<uint8_t>(tile < kWeightTile ? tokens : 16);
  }
  asm volatile("ldtilecfg %0" : : "m"(shapes) : "memory");
}

[[maybe_unused]] inline void release_tiles() {
  asm volatile("tilerelease" : : : "memory");
}

template <int tile>
[[gnu::always_inline]] inline void tile_zero() {
  asm volatile("tilezero %%tmm%c0" : : "i"(tile));
}

template <int tile>
[[gnu::always_inline]] inline void tile_load(const void* at, uint64_t row_stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(at), "r"(row_stride), "i"(tile) : "memory");
}

template <int tile>
[[gnu::always_inline]] inline void tile_store(void* at, uint64_t row_stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(at), "r"(row_stride), "i"(tile) : "memory");
}

// sums[token][row] += the dot products of 4 int8 of the token and 4 bytes of the row, over the 16
// quads of the tiles; the bytes of the row are signed or unsigned.
template <bool is_signed, int sums, int tokens, int weights>
[[gnu::always_inline]] inline void tile_dot() {
  if constexpr (is_signed) {
    asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sums), "i"(tokens), "i"(weights));
  } else {
    asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sums), "i"(tokens), "i"(weights));
  }
}

}  // namespace
}  // namespace sotto::kernels

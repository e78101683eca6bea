// How a matrix lies in memory: 16 rows interleaved, so that outputs go across vector lanes.
// SPDX-License-Identifier: Apache-2.0
//
// Pictures of the blocks are in docs/internals/layouts.md. Types without a layout of their own keep
// their rows as in the file, 16 after each other. No layout is larger than the file's.
#pragma once

#include <cstdint>

#include "gguf/types.h"
#include "kernels/kernels.h"

namespace sotto::kernels {

// Bytes of one group of 16 rows of `columns` elements, a multiple of 64.
uint64_t group_bytes(gguf::TensorType type, uint32_t columns);

// One group from `rows` (1 to 16) rows as they stand in a GGUF file; missing rows become zero.
void pack_group(gguf::TensorType type, uint32_t columns, const uint8_t* file_rows, uint32_t rows,
                uint8_t* group);

// The inverse for one block of one row (`row` in the group, `block` in the row): the block_bytes()
// of the file, to `file_block`.
void unpack_block(gguf::TensorType type, uint32_t columns, const uint8_t* group, uint32_t row,
                  uint32_t block, uint8_t* file_block);

// One row of the matrix as floats: an embedding. `out` has matrix.columns elements.
void dequantize_row(const Matrix& matrix, uint32_t row, float* out);

// [16 rows][256 columns] of Q4_K. Dword lane = row; a quad is 4 consecutive columns. Register 4j +
// i of `quants` holds in its low nibbles quad 8j + i, in its high nibbles quad 8j + 4 + i.
struct alignas(64) PackedQ4K {
  uint16_t scale[16];
  uint16_t min_scale[16];
  uint32_t sub_scales[3][16];  // the file's 12 bytes of 6-bit scales and mins, as 3 dwords
  uint8_t quants[32][64];
};
static_assert(sizeof(PackedQ4K) == 16 * 144);

// [16][256] of Q6_K; the half scales follow all blocks of the group as [blocks][16]. Low nibbles as
// in PackedQ4K; register u of `high` holds the upper crumbs of low[2u]: low nibbles' at bits 0-1,
// high nibbles' at bits 2-3, and of low[2u + 1] at bits 4-5 and 6-7.
struct alignas(64) PackedQ6K {
  uint32_t sub_scales[4][16];
  uint8_t high[16][64];
  uint8_t low[32][64];
};
static_assert(sizeof(PackedQ6K) + 32 == 16 * 210);

// [16][32] of Q8_0 with 128 added to every weight, since the dot-product instruction wants one
// unsigned side; the half scales follow all blocks of the group as [blocks][16].
struct alignas(64) PackedQ80 {
  uint8_t quants[8][64];
};
static_assert(sizeof(PackedQ80) + 32 == 16 * 34);

}  // namespace sotto::kernels

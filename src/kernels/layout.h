// How a matrix lies in memory: 16 rows interleaved, so that outputs go across vector lanes.
// SPDX-License-Identifier: Apache-2.0
//
// Pictures of the blocks are in docs/internals/layouts.md. No layout is larger than the file's.
//
// A quad is 4 consecutive columns of a row, a dword; a register is 16 dwords, one a row: 64 bytes. A
// plane holds the same few bits of every column. In a plane of 4 bits register 4s + i holds, of the
// 32 columns from 32s on, quad i in the low and quad i + 4 in the high nibbles. In one of 2 bits
// register 2s + u holds quads 2u, 2u + 4, 2u + 1, 2u + 5, from the lowest bits up; in one of 1 bit
// register s holds quad q at bit q.
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
void unpack_block(gguf::TensorType type, const uint8_t* group, uint32_t row, uint32_t block,
                  uint8_t* file_block);

// One row of the matrix as floats: an embedding. `out` has matrix.columns elements.
void dequantize_row(const Matrix& matrix, uint32_t row, float* out);

// The blocks of 16 rows. Everything stands in the order in which kernels read it, so that a group is one
// stream to the processor's prefetcher. Where 16 half scales would leave half a register over, a line
// before every two blocks holds the scales of both: "scales in front".

struct alignas(64) PackedQ2K {  // [16][256]
  uint16_t scale[16];
  uint16_t min_scale[16];
  uint32_t sub_scales[4]
                     [16];  // a byte for 16 columns: scale in the low, minimum in the high nibble
  uint8_t crumbs[16][64];
};
struct alignas(64) PackedQ3K {  // [16][256], scales in front
  uint32_t sub_scales[3][16];   // the file's 12 bytes
  struct {
    uint8_t third[64];
    uint8_t crumbs[2][64];
  } subs[8];
};
struct alignas(64) PackedQ4K {  // [16][256]
  uint16_t scale[16];
  uint16_t min_scale[16];
  uint32_t sub_scales[3][16];  // the file's 12 bytes of 6-bit scales and mins
  uint8_t quants[32][64];
};
struct alignas(64) PackedQ5K {  // [16][256]
  uint16_t scale[16];
  uint16_t min_scale[16];
  uint32_t sub_scales[3][16];  // as in PackedQ4K
  struct {
    uint8_t fifth[64];
    uint8_t quants[4][64];
  } subs[8];
};
struct alignas(64) PackedQ6K {  // [16][256], scales in front
  uint32_t sub_scales[4][16];   // a signed byte for 16 columns
  struct {
    uint8_t high[2][64];
    uint8_t low[4][64];
  } subs[8];
};
struct alignas(64) PackedIQ4XS {  // [16][256]
  uint16_t scale[16];
  uint16_t scales_high[16];  // the upper two bits of eight scales
  uint32_t scales_low[16];   // their lower four
  uint8_t quants[32][64];
};
struct alignas(64) PackedTQ20 {  // [16][256], scales in front
  uint8_t crumbs[16][64];
};
struct alignas(64) PackedQ40 {  // [16][32], scales in front; also IQ4_NL
  uint8_t quants[4][64];
};
struct alignas(64) PackedQ41 {  // [16][32]
  uint16_t scale[16];
  uint16_t min_scale[16];
  uint8_t quants[4][64];
};
struct alignas(64) PackedQ50 {  // [16][32], scales in front
  uint8_t fifth[64];
  uint8_t quants[4][64];
};
struct alignas(64) PackedQ51 {  // [16][32]
  uint16_t scale[16];
  uint16_t min_scale[16];
  uint8_t fifth[64];
  uint8_t quants[4][64];
};
// [16][32], scales in front, with 128 added to every weight, since the dot-product instructions want one
// unsigned side.
struct alignas(64) PackedQ80 {
  uint8_t quants[4][2][64];  // quads i and i + 4
};

// The codebook formats and TQ1_0 [docs/internals/codebooks.md]: [16][256], scales in front but for
// IQ1_M. Every dword is four bytes of one row's block in the file; a sub is 32 columns.

struct alignas(64) PackedIQ2XXS {
  struct {
    uint32_t indices[16];  // a byte for 8 columns
    uint32_t signs[16];    // seven bits for 8 columns, above them the sub's scale
  } subs[8];
};
struct alignas(64) PackedIQ2XS {
  uint32_t sub_scales[2][16];
  struct {
    uint32_t low[16];   // a byte for 8 columns: the index's lower 8 bits
    uint32_t high[16];  // likewise: its ninth bit, above it seven signs
  } subs[8];
};
struct alignas(64) PackedIQ2S {
  uint32_t sub_scales[2][16];
  uint32_t high[2][16];  // two bits for 8 columns
  struct {
    uint32_t low[16];    // a byte for 8 columns
    uint32_t signs[16];  // a bit for each column
  } subs[8];
};
struct alignas(64) PackedIQ3XXS {
  struct {
    uint32_t signs[16];       // as in PackedIQ2XXS
    uint32_t indices[2][16];  // a byte for 4 columns
  } subs[8];
};
struct alignas(64) PackedIQ3S {
  uint32_t sub_scales[16];
  uint32_t high[2][16];  // a bit for 4 columns
  struct {
    uint32_t signs[16];   // a bit for each column
    uint32_t low[2][16];  // a byte for 4 columns
  } subs[8];
};
struct alignas(64) PackedIQ1S {
  struct {
    uint32_t high[16];    // a half for each sub: four times 3 bits, scale, sign of the eighth
    uint32_t low[2][16];  // a byte for 8 columns
  } pairs[4];             // of subs
};
struct alignas(64) PackedIQ1M {
  uint32_t sub_scales[2][16];  // in each half four scales of 3 bits and 4 bits of the block's scale
  struct {
    uint32_t high[16];    // four bits for 8 columns: 3 of the index, sign of the eighth
    uint32_t low[2][16];  // a byte for 8 columns
  } pairs[4];
};
struct alignas(64) PackedTQ10 {
  uint32_t digits[13][16];  // the file's 52 bytes
};

}  // namespace sotto::kernels

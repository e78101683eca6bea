// Arithmetic: one table of functions, filled for the machine, each giving the same bits everywhere.
// SPDX-License-Identifier: Apache-2.0
//
// What each function computes, rounding by rounding, is docs/protocols/numerics.md; scalar.cc is
// its executable form. Functions are pure but for their outputs, allocate nothing, and may run on
// any number of threads at once on disjoint outputs. Shapes are written [outer][inner], row-major.
#pragma once

#include <cstdint>

#include "gguf/types.h"

namespace sotto::kernels {

inline constexpr uint32_t kGroupRows = 16;       // rows of a matrix that lie interleaved
inline constexpr uint32_t kPagePositions = 128;  // positions that attention takes as one block
inline constexpr uint32_t kTileRows = 16;        // positions interleaved in a page's keys

// A weight matrix in the kernels' own layout [kernels/layout.h]: groups of 16 rows, each group
// `group_bytes` long and 64-byte aligned, the last one filled up with zero rows.
struct Matrix {
  gguf::TensorType type;
  uint32_t rows;
  uint32_t columns;
  uint64_t group_bytes;
  const uint8_t* data;

  uint32_t groups() const { return (rows + kGroupRows - 1) / kGroupRows; }
};

// 256 columns of one token as int8, with all that products need of them in one place. The scales are
// one per block of 32 columns, or the first alone for a block of 256. What follows from the quants is
// stored beside them because it is read once per group of rows, and made once.
struct alignas(64) ActivationBlock {
  int8_t quants[256];
  float scales[8];
  int16_t sums32[8];  // of 32 quants each
  alignas(64) int32_t
      offsets16[16];     // -128 times each of sums16: what 128 added to every weight is too much
  int32_t offsets32[8];  // -128 times each of sums32
  int16_t sums16[16];    // of 16 quants each
};
static_assert(sizeof(ActivationBlock) == 448);

// How many of them `columns` take; the last may be filled in part.
static constexpr uint32_t activation_blocks(uint32_t columns) {
  return (columns + 255) / 256;
}

// What a matrix of some type is multiplied with: floats as they are for floating-point weights,
// else int8 with one scale per block of 32 or 256, the block of the weights' own format.
struct Activations {
  uint32_t tokens;
  uint32_t columns;
  const float* values;    // [tokens][value_stride], for floating-point weights
  uint64_t value_stride;  // at least columns
  // [activation_blocks(columns)][block_stride]: 256 columns of all tokens lie together, as they are used.
  const ActivationBlock* blocks;
  uint64_t block_stride;  // at least tokens
};

// outputs[token * stride + row] for every token and the rows of groups [group_begin, group_end);
// whole groups are written, so `stride` is at least 16 * groups().
using Multiply = void (*)(const Matrix& matrix, uint32_t group_begin, uint32_t group_end,
                          const Activations& activations, float* outputs, uint64_t stride);

enum class KvType : uint8_t { F16, Q8_0 };

// Keys and values of one head in one page.
//   keys   F16   half  [8 tiles][width][16 positions]
//          Q8_0  int8  [8 tiles][width / 4][16 positions][4], then half scales [8][width / 32][16]
//   values F16   half  [128 positions][value_width]
//          Q8_0  int8  [128][value_width], then half scales [value_width / 32][128]
struct PageView {
  KvType type;
  uint32_t width;        // of a key; a multiple of 32 for Q8_0
  uint32_t value_width;  // a multiple of 32 for Q8_0
  const uint8_t* keys;
  const uint8_t* values;
  const uint8_t* ahead;  // what the caller will read next, to be brought nearer, or nullptr
  uint64_t ahead_bytes;
};

// Some query vectors that share a key-value head.
struct Queries {
  uint32_t count;
  const float* values;            // [count][width], scaled already
  const ActivationBlock* blocks;  // [count][activation_blocks(width)], in blocks of 32, for Q8_0
  const uint32_t* visible;        // [count] positions of this page that each may see, 1 to 128
  const float* slopes;            // [count] ALiBi; nullptr without
  const int32_t* offsets;         // [count] the query's position minus the page's first; for ALiBi
};

// One page's share of the softmax: the largest score, the sum of exp(score - largest), and the
// values weighted with the same. Merged over pages in ascending order by merge_partials.
struct Partials {
  float* largest;  // [count]
  float* sums;     // [count]
  float* outputs;  // [count][value_width]
};

// What the instruction set does at most, as a yardstick: `rounds` rounds of multiply-adds on registers
// alone, no memory touched. Returns how many multiplications and additions that was; `sink` keeps
// the compiler from leaving them out.
using Peak = uint64_t (*)(uint64_t rounds, uint32_t* sink);

struct Kernels {
  const char* isa;

  Multiply multiply[40];  // by the number of gguf::TensorType; nullptr where there is no such type

  // One token's activations to int8 in blocks of `block` (32 or 256, which divides `columns`), those
  // of the next 256 columns `stride` further on.
  void (*quantize)(const float* values, uint32_t columns, uint32_t block, ActivationBlock* out,
                   uint64_t stride);

  void (*rms_norm)(const float* x, const float* weight, uint32_t count, float epsilon, float* out);
  void (*layer_norm)(const float* x, const float* weight, const float* bias, uint32_t count,
                     float epsilon, float* out);
  // out[i] = silu(gate[i]) * up[i]; out may be gate.
  void (*silu_multiply)(const float* gate, const float* up, uint32_t count, float* out);
  // x[i] = gelu(x[i]), the tanh form.
  void (*gelu)(float* x, uint32_t count);
  // Rounds to half precision, ties to even; what is too large becomes infinite.
  void (*to_half)(const float* x, uint32_t count, uint16_t* out);

  void (*attend)(const PageView& page, const Queries& queries, const Partials& out);
  // into = into merged with the partials of the next page.
  void (*merge)(uint32_t count, uint32_t value_width, const Partials& into, const Partials& next);

  Peak int8_peak;   // int8 products summed in int32
  Peak float_peak;  // fused multiply-adds of float
};

enum class Isa { scalar, avx2, avx512, amx };

// The levels this machine can run, lowest first; scalar is always there.
bool supported(Isa isa);

// The table for a level that is supported().
Kernels make_kernels(Isa isa);

// Each overwrites the entries that it improves, so that what is missing falls back by construction.
void add_scalar(Kernels& kernels);
void add_avx2(Kernels& kernels);
void add_avx512(Kernels& kernels);
void add_amx(Kernels& kernels);

}  // namespace sotto::kernels

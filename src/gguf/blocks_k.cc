// K-quants and ternary formats: blocks of 256 elements, in K-quants with a small integer scale (and
// maybe minimum) for each 16 or 32 of them.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/block_families.h"

namespace sotto::gguf {
namespace {

constexpr int kElements = 256;

int16_t narrow(int value) {
  return static_cast<int16_t>(value);
}

// Two bits for each of 256 elements in 64 bytes: 32 bytes hold 128 elements, whose first 32 have
// the lowest bits.
int two_bits(const uint8_t* codes, int i) {
  return codes[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
}

// One bit for each of 256 elements in 32 bytes: bit b of byte i belongs to element 32 b + i.
int one_bit(const uint8_t* bits, int i) {
  return bits[i % 32] >> (i / 32) & 1;
}

// Four bits for each of 256 elements in 128 bytes: 32 bytes hold 64 elements, low halves first.
int four_bits(const uint8_t* codes, int i) {
  return codes[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
}

struct ScaleAndMin {
  int scale;
  int min;
};

// Q4_K and Q5_K pack eight 6-bit scales and eight 6-bit minima into 12 bytes: the first four of
// each in the low bits of bytes 0-3 and 4-7; the last four in halves of bytes 8-11, their upper two
// bits above the first four.
ScaleAndMin scale_and_min(const uint8_t* packed, int sub_block) {
  if (sub_block < 4) return {packed[sub_block] & 63, packed[sub_block + 4] & 63};
  const int low = packed[sub_block + 4];
  return {(low & 15) | (packed[sub_block - 4] >> 6 << 4), low >> 4 | packed[sub_block] >> 6 << 4};
}

// Sets scales and minima of the eight sub-blocks of Q4_K and Q5_K, which begin alike: scale,
// minimum scale, 12 bytes of packed scales. Weights are then multiplied by scales[i / 32].
void start_q45_k(const uint8_t* block, IntegerBlock& out, int (&scales)[8]) {
  out.scale = load_half(block);
  out.min_scale = load_half(block + 2);
  for (int sub_block = 0; sub_block < 8; ++sub_block) {
    const ScaleAndMin both = scale_and_min(block + 4, sub_block);
    scales[sub_block] = both.scale;
    out.min[2 * sub_block] = narrow(both.min);
    out.min[2 * sub_block + 1] = narrow(both.min);
  }
}

// Q3_K packs sixteen 6-bit scales into 12 bytes: low halves of bytes 0-7, then their high halves,
// are the low four bits; bytes 8-11 hold the upper two, four scales a time. 32 stands for 0.
int q3_k_scale(const uint8_t* packed, int sub_block) {
  const int low = packed[sub_block % 8] >> (sub_block / 8 * 4) & 15;
  const int high = packed[8 + sub_block % 4] >> (sub_block / 4 * 2) & 3;
  return (low | high << 4) - 32;
}

}  // namespace

// Q2_K: 16 bytes of a 4-bit scale and a 4-bit minimum each, 64 bytes of codes, scale, minimum
// scale.
void decode_q2_k(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block + 80);
  out.min_scale = load_half(block + 82);
  for (int sub_block = 0; sub_block < 16; ++sub_block) {
    out.min[sub_block] = narrow(block[sub_block] >> 4);
  }
  for (int i = 0; i < kElements; ++i) {
    out.weight[i] = narrow((block[i / 16] & 15) * two_bits(block + 16, i));
  }
}

// Q3_K: 32 bytes of third bits (set: not 4 less), 64 bytes of codes, 12 bytes of scales, scale.
void decode_q3_k(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block + 108);
  for (int i = 0; i < kElements; ++i) {
    const int code = two_bits(block + 32, i) + 4 * one_bit(block, i) - 4;
    out.weight[i] = narrow(q3_k_scale(block + 96, i / 16) * code);
  }
}

// Q4_K: as start_q45_k() says, then 128 bytes of codes.
void decode_q4_k(const uint8_t* block, IntegerBlock& out) {
  int scales[8];
  start_q45_k(block, out, scales);
  for (int i = 0; i < kElements; ++i) {
    out.weight[i] = narrow(scales[i / 32] * four_bits(block + 16, i));
  }
}

// Q5_K: as start_q45_k() says, then 32 bytes of fifth bits and 128 bytes of codes.
void decode_q5_k(const uint8_t* block, IntegerBlock& out) {
  int scales[8];
  start_q45_k(block, out, scales);
  for (int i = 0; i < kElements; ++i) {
    const int code = four_bits(block + 48, i) | one_bit(block + 16, i) << 4;
    out.weight[i] = narrow(scales[i / 32] * code);
  }
}

// Q6_K: 128 bytes of low four bits (64 bytes hold 128 elements, low halves first), 64 bytes of
// upper two bits, 16 signed scales, scale. 32 stands for 0.
void decode_q6_k(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block + 208);
  for (int i = 0; i < kElements; ++i) {
    const int low = block[i / 128 * 64 + i % 64] >> (i / 64 % 2 * 4) & 15;
    const int code = (low | two_bits(block + 128, i) << 4) - 32;
    out.weight[i] = narrow(static_cast<int8_t>(block[192 + i / 16]) * code);
  }
}

// TQ1_0: 48 bytes of five ternary digits each, 4 bytes of four, scale. A byte is a fraction of 256:
// multiplied by a power of three (modulo 256), its next digit is what its triple carries over.
void decode_tq1_0(const uint8_t* block, IntegerBlock& out) {
  constexpr int kPowers[5] = {1, 3, 9, 27, 81};
  out.scale = load_half(block + 52);
  for (int i = 0; i < kElements; ++i) {
    // Digit by digit: 32 bytes give the first 160 elements, 16 bytes 80 more, 4 bytes the last 16.
    int byte = i % 32;
    int digit = i / 32;
    if (i >= 160) {
      byte = 32 + i % 16;
      digit = (i - 160) / 16;
    }
    if (i >= 240) {
      byte = 48 + i % 4;
      digit = (i - 240) / 4;
    }
    const int fraction = block[byte] * kPowers[digit] & 255;
    out.weight[i] = narrow((fraction * 3 >> 8) - 1);
  }
}

// TQ2_0: 64 bytes of codes, scale. 1 stands for 0.
void decode_tq2_0(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block + 64);
  for (int i = 0; i < kElements; ++i) out.weight[i] = narrow(two_bits(block, i) - 1);
}

}  // namespace sotto::gguf

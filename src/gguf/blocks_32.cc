// Block formats of 32 elements: one half-precision scale, maybe a minimum, and 4, 5 or 8 bits each.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/block_families.h"

namespace sotto::gguf {
namespace {

constexpr int kElements = 32;

// Sixteen bytes of codes: element i in the low half of byte i, element i + 16 in its high half.
int nibble(const uint8_t* codes, int i) {
  return i < 16 ? codes[i] & 15 : codes[i - 16] >> 4;
}

// The same with a fifth bit for each element in front.
int five_bits(const uint8_t* codes, uint32_t high_bits, int i) {
  return nibble(codes, i) | static_cast<int>((high_bits >> i & 1) << 4);
}

// These formats add their minimum; here it is subtracted.
void set_minimum(float added, IntegerBlock& out) {
  out.min_scale = -added;
  out.min[0] = 1;
  out.min[1] = 1;
}

int16_t narrow(int value) {
  return static_cast<int16_t>(value);
}

}  // namespace

// Q4_0: scale, 16 bytes of codes.
void decode_q4_0(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block);
  for (int i = 0; i < kElements; ++i) out.weight[i] = narrow(nibble(block + 2, i) - 8);
}

// Q4_1: scale, minimum, 16 bytes of codes.
void decode_q4_1(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block);
  set_minimum(load_half(block + 2), out);
  for (int i = 0; i < kElements; ++i) out.weight[i] = narrow(nibble(block + 4, i));
}

// Q5_0: scale, 4 bytes of fifth bits, 16 bytes of codes.
void decode_q5_0(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block);
  const auto high_bits = load<uint32_t>(block + 2);
  for (int i = 0; i < kElements; ++i) {
    out.weight[i] = narrow(five_bits(block + 6, high_bits, i) - 16);
  }
}

// Q5_1: scale, minimum, 4 bytes of fifth bits, 16 bytes of codes.
void decode_q5_1(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block);
  set_minimum(load_half(block + 2), out);
  const auto high_bits = load<uint32_t>(block + 4);
  for (int i = 0; i < kElements; ++i) out.weight[i] = narrow(five_bits(block + 8, high_bits, i));
}

// Q8_0: scale, 32 signed bytes.
void decode_q8_0(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block);
  for (int i = 0; i < kElements; ++i) out.weight[i] = static_cast<int8_t>(block[2 + i]);
}

// IQ4_NL: scale, 16 bytes of codes of unevenly spaced values.
void decode_iq4_nl(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block);
  for (int i = 0; i < kElements; ++i) out.weight[i] = kIq4Values[nibble(block + 2, i)];
}

}  // namespace sotto::gguf

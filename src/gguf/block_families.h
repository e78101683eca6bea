// The decoders behind decode_block(), one per block format.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "gguf/blocks.h"

namespace sotto::gguf {

// A number standing anywhere in a block, aligned or not.
template <class T>
T load(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

inline float load_half(const uint8_t* at) {
  return half_to_float(load<uint16_t>(at));
}

// Each sets scale and weight; min_scale and min are 0 when it is called, and set only by the
// formats that have them.
using DecodeBlock = void (*)(const uint8_t* block, IntegerBlock& out);

// blocks_32.cc: 32 elements
void decode_q4_0(const uint8_t* block, IntegerBlock& out);
void decode_q4_1(const uint8_t* block, IntegerBlock& out);
void decode_q5_0(const uint8_t* block, IntegerBlock& out);
void decode_q5_1(const uint8_t* block, IntegerBlock& out);
void decode_q8_0(const uint8_t* block, IntegerBlock& out);
void decode_iq4_nl(const uint8_t* block, IntegerBlock& out);

// blocks_k.cc: 256 elements, whose sub-blocks have scales of their own, and the ternary formats
void decode_q2_k(const uint8_t* block, IntegerBlock& out);
void decode_q3_k(const uint8_t* block, IntegerBlock& out);
void decode_q4_k(const uint8_t* block, IntegerBlock& out);
void decode_q5_k(const uint8_t* block, IntegerBlock& out);
void decode_q6_k(const uint8_t* block, IntegerBlock& out);
void decode_tq1_0(const uint8_t* block, IntegerBlock& out);
void decode_tq2_0(const uint8_t* block, IntegerBlock& out);

// blocks_iq.cc: 256 elements, groups of which are entries of a codebook
void decode_iq1_s(const uint8_t* block, IntegerBlock& out);
void decode_iq1_m(const uint8_t* block, IntegerBlock& out);
void decode_iq2_xxs(const uint8_t* block, IntegerBlock& out);
void decode_iq2_xs(const uint8_t* block, IntegerBlock& out);
void decode_iq2_s(const uint8_t* block, IntegerBlock& out);
void decode_iq3_xxs(const uint8_t* block, IntegerBlock& out);
void decode_iq3_s(const uint8_t* block, IntegerBlock& out);
void decode_iq4_xs(const uint8_t* block, IntegerBlock& out);

// What the 16 codes of IQ4_NL and IQ4_XS stand for.
inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace sotto::gguf

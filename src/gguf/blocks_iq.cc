// IQ formats: blocks of 256 elements, groups of which are entries of a codebook with separate
// signs.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/block_families.h"
#include "gguf/codebooks.h"

namespace sotto::gguf {
namespace {

constexpr int kIq2Values[4] = {8, 25, 43, 0};  // the code 3 does not occur
constexpr int kIq3XxsValues[8] = {4, 12, 20, 28, 36, 44, 52, 62};

// IQ2_XXS, IQ2_XS and IQ3_XXS store seven signs; the eighth makes the number of minus signs even.
uint32_t eight_signs(uint32_t seven) {
  return seven | static_cast<uint32_t>(std::popcount(seven) & 1) << 7;
}

int16_t signed_weight(int magnitude, uint32_t signs, int element) {
  return static_cast<int16_t>((signs >> element & 1) != 0 ? -magnitude : magnitude);
}

// Eight weights from an entry of an IQ2 codebook.
void set_iq2(uint16_t code, uint32_t signs, int scale, int16_t* weight) {
  for (int i = 0; i < 8; ++i) {
    weight[i] = signed_weight(scale * kIq2Values[code >> 2 * i & 3], signs, i);
  }
}

// Eight weights from an entry of the IQ1 codebook. Its values are -1, 0, 1 plus or minus an eighth;
// the eighth is folded into the block's scale.
void set_iq1(uint16_t code, bool minus_eighth, int scale, int16_t* weight) {
  for (int i = 0; i < 8; ++i) {
    const int value = (code >> 2 * i & 3) - 1;
    weight[i] = static_cast<int16_t>(scale * (8 * value + (minus_eighth ? -1 : 1)));
  }
}

// A 4-bit scale s stands for (2s + 1), times a power of two that is folded into the block's scale.
int odd_scale(const uint8_t* scales, int index) {
  return 2 * (scales[index / 2] >> (index % 2 * 4) & 15) + 1;
}

}  // namespace

// IQ2_XXS: scale, then for each 32 elements 4 codebook indices and 4 bytes of 7 signs each with the
// scale above them.
void decode_iq2_xxs(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block) / 8;
  for (int part = 0; part < 8; ++part) {
    const uint8_t* indices = block + 2 + 8 * part;
    const auto signs_and_scale = load<uint32_t>(indices + 4);
    const int scale = static_cast<int>(2 * (signs_and_scale >> 28) + 1);
    for (int group = 0; group < 4; ++group) {
      set_iq2(kIq2XxsCodes[indices[group]], eight_signs(signs_and_scale >> 7 * group & 127), scale,
              out.weight + 32 * part + 8 * group);
    }
  }
}

// IQ2_XS: scale, for each 8 elements 9 bits of codebook index and 7 signs, a scale for each 16.
void decode_iq2_xs(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block) / 8;
  for (int group = 0; group < 32; ++group) {
    const auto index_and_signs = load<uint16_t>(block + 2 + 2 * group);
    set_iq2(kIq2XsCodes[index_and_signs & 511], eight_signs(index_and_signs >> 9),
            odd_scale(block + 66, group / 2), out.weight + 8 * group);
  }
}

// IQ2_S: scale, 32 low bytes of codebook indices, 32 bytes of signs, 2 upper bits of each index, a
// scale for each 16 elements.
void decode_iq2_s(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block) / 8;
  for (int group = 0; group < 32; ++group) {
    const int high = block[66 + group / 4] >> (group % 4 * 2) & 3;
    set_iq2(kIq2SCodes[block[2 + group] | high << 8], block[34 + group],
            odd_scale(block + 74, group / 2), out.weight + 8 * group);
  }
}

// IQ3_XXS: scale, 64 codebook indices of 4 elements each, then for each 32 elements four times 7
// signs with the scale above them.
void decode_iq3_xxs(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block) / 4;
  for (int i = 0; i < 256; ++i) {
    const auto signs_and_scale = load<uint32_t>(block + 66 + i / 32 * 4);
    const int scale = static_cast<int>(2 * (signs_and_scale >> 28) + 1);
    const uint32_t signs = eight_signs(signs_and_scale >> (i / 8 % 4 * 7) & 127);
    const int code = kIq3XxsCodes[block[2 + i / 4]] >> (i % 4 * 4) & 7;
    out.weight[i] = signed_weight(scale * kIq3XxsValues[code], signs, i % 8);
  }
}

// IQ3_S: scale, 64 low bytes of codebook indices of 4 elements each, the upper bit of each index,
// 32 bytes of signs, a scale for each 32 elements.
void decode_iq3_s(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block);
  for (int i = 0; i < 256; ++i) {
    const int group = i / 4;
    const int high = block[66 + group / 8] >> (group % 8) & 1;
    const int code = kIq3SCodes[block[2 + group] | high << 8] >> (i % 4 * 4) & 7;
    out.weight[i] =
        signed_weight(odd_scale(block + 106, i / 32) * (2 * code + 1), block[74 + i / 8], i % 8);
  }
}

// IQ1_S: scale, 32 low bytes of codebook indices, then for each 32 elements 2 bytes: four times 3
// upper bits of an index, a 3-bit scale, and whether the eighth is subtracted.
void decode_iq1_s(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block) / 8;
  for (int group = 0; group < 32; ++group) {
    const auto packed = load<uint16_t>(block + 34 + group / 4 * 2);
    const int high = packed >> (group % 4 * 3) & 7;
    set_iq1(kIq1Codes[block[2 + group] | high << 8], packed >> 15 != 0, 2 * (packed >> 12 & 7) + 1,
            out.weight + 8 * group);
  }
}

// IQ1_M: 32 low bytes of codebook indices; for each group of 8 half a byte: 3 upper bits of the
// index and whether the eighth is subtracted; four times 16 bits: four 3-bit scales for 16 elements
// each, and above them, spread over the four, the block's scale.
void decode_iq1_m(const uint8_t* block, IntegerBlock& out) {
  uint32_t half = 0;
  uint16_t scales[4];
  for (int i = 0; i < 4; ++i) {
    scales[i] = load<uint16_t>(block + 48 + 2 * i);
    half |= static_cast<uint32_t>(scales[i] >> 12) << 4 * i;
  }
  out.scale = half_to_float(static_cast<uint16_t>(half)) / 8;
  for (int group = 0; group < 32; ++group) {
    const int upper = block[32 + group / 2] >> (group % 2 * 4);
    const int scale = scales[group / 8] >> (group / 2 % 4 * 3) & 7;
    set_iq1(kIq1Codes[block[group] | (upper & 7) << 8], (upper & 8) != 0, 2 * scale + 1,
            out.weight + 8 * group);
  }
}

// IQ4_XS: scale, upper two bits of eight scales, their low four bits, then 16 bytes of codes for
// each 32 elements, low halves first. A scale of 32 stands for 0.
void decode_iq4_xs(const uint8_t* block, IntegerBlock& out) {
  out.scale = load_half(block);
  const auto scales_high = load<uint16_t>(block + 2);
  for (int part = 0; part < 8; ++part) {
    const int low = block[4 + part / 2] >> (part % 2 * 4) & 15;
    const int scale = (low | (scales_high >> 2 * part & 3) << 4) - 32;
    const uint8_t* codes = block + 8 + 16 * part;
    for (int i = 0; i < 32; ++i) {
      const int code = codes[i % 16] >> (i / 16 * 4) & 15;
      out.weight[32 * part + i] = static_cast<int16_t>(scale * kIq4Values[code]);
    }
  }
}

}  // namespace sotto::gguf

// The codebooks of the IQ1, IQ2 and IQ3 block formats, which a file's bits are indices into.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sotto::gguf {

// Eight elements each, 2 bits per element from the lowest: 0, 1, 2 stand for 8, 25, 43.
extern const uint16_t kIq2XxsCodes[256];
extern const uint16_t kIq2XsCodes[512];
extern const uint16_t kIq2SCodes[1024];
// Eight elements each, 2 bits per element from the lowest: 0, 1, 2 stand for -1, 0, 1.
extern const uint16_t kIq1Codes[2048];
// Four elements each, 4 bits per element from the lowest, of which 3 are used: 0 to 7 stand for
// 4, 12, 20, 28, 36, 44, 52, 62 (IQ3_XXS) and 1, 3, 5, … 15 (IQ3_S).
extern const uint16_t kIq3XxsCodes[256];
extern const uint16_t kIq3SCodes[512];

// The same codes, their low and their high bytes apart, for look-ups of many at a time.
template <uint32_t count>
struct CodePlanes {
  alignas(64) uint8_t low[count];
  alignas(64) uint8_t high[count];
};
extern const CodePlanes<256> kIq2XxsPlanes;
extern const CodePlanes<512> kIq2XsPlanes;
extern const CodePlanes<1024> kIq2SPlanes;
extern const CodePlanes<2048> kIq1Planes;
extern const CodePlanes<256> kIq3XxsPlanes;
extern const CodePlanes<512> kIq3SPlanes;

}  // namespace sotto::gguf

// Known answers of Random123 for Philox 4x32-10, and the draws made of them.
// SPDX-License-Identifier: Apache-2.0
#include "engine/philox.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sotto::engine {
namespace {

using Words = std::array<uint32_t, 4>;

TEST(Philox, gives_the_published_answers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, draw_is_the_upper_53_bits_of_two_words) {
  EXPECT_EQ(uniform(0, 0), std::ldexp(static_cast<double>(0xe169c58d6627e8d5 >> 11), -53));
  EXPECT_NE(uniform(0, 0), uniform(0, 1));
  EXPECT_NE(uniform(0, 0), uniform(1, 0));
  // Both halves of seed and index count.
  EXPECT_NE(uniform(0, 0), uniform(uint64_t{1} << 32, 0));
  EXPECT_NE(uniform(0, 0), uniform(0, uint64_t{1} << 32));
}

TEST(Philox, draws_are_spread_evenly) {
  constexpr int kDraws = 100'000;
  constexpr int kBins = 100;
  std::array<int, kBins> bins = {};
  for (int i = 0; i < kDraws; ++i) {
    const double unit = uniform(42, static_cast<uint64_t>(i));
    ASSERT_GE(unit, 0);
    ASSERT_LT(unit, 1);
    ++bins[static_cast<size_t>(unit * kBins)];
  }
  double chi_square = 0;
  for (const int count : bins) chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  // 99 degrees of freedom: outside of this with a chance of about one in 10^6. The draws are fixed,
  // so it either holds for ever or never.
  EXPECT_GT(chi_square, 45);
  EXPECT_LT(chi_square, 180);
}

}  // namespace
}  // namespace sotto::engine

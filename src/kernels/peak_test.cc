// The yardsticks do what they count.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>

#include "kernels/dispatch.h"

namespace sotto::kernels {
namespace {

TEST(Peak, counts_rounds_that_were_really_done) {
  for (const Isa isa : supported_levels()) {
    const Kernels kernels = make_kernels(isa);
    uint32_t none = 0, one = 0, five = 0;
    EXPECT_EQ(kernels.int8_peak(0, &none), 0u) << kernels.isa;
    const uint64_t operations = kernels.int8_peak(1, &one);
    EXPECT_EQ(kernels.int8_peak(5, &five), 5 * operations) << kernels.isa;
    EXPECT_GT(one, none) << kernels.isa;
    EXPECT_EQ(five - none, 5 * (one - none)) << kernels.isa;

    const uint64_t float_operations = kernels.float_peak(1, &one);
    kernels.float_peak(0, &none);
    EXPECT_EQ(kernels.float_peak(5, &five), 5 * float_operations) << kernels.isa;
    const float step = std::bit_cast<float>(one) - std::bit_cast<float>(none);
    EXPECT_GT(step, 0) << kernels.isa;
    EXPECT_EQ(std::bit_cast<float>(five) - std::bit_cast<float>(none), 5 * step) << kernels.isa;
  }
}

}  // namespace
}  // namespace sotto::kernels

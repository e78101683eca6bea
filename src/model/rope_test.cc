// Angles against the textbook formula, and rotation as the turn of a plane.
// SPDX-License-Identifier: Apache-2.0
#include "model/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace sotto::model {
namespace {

TEST(RopeTest, plain_angles_are_the_powers_of_the_base) {
  RopeShape shape;
  shape.width = 64;
  shape.base = 10000;
  const Rope rope(shape, nullptr);
  std::vector<float> angles(64);
  for (const uint32_t position : {0u, 1u, 17u, 4095u, 131071u}) {
    rope.angles(position, angles.data());
    for (uint32_t pair = 0; pair < 32; ++pair) {
      const double angle = position * std::pow(10000.0, -2.0 * pair / 64);
      EXPECT_NEAR(std::cos(angle), angles[pair], 1e-7) << position << " " << pair;
      EXPECT_NEAR(std::sin(angle), angles[32 + pair], 1e-7) << position << " " << pair;
    }
  }
}

TEST(RopeTest, linear_scaling_is_a_smaller_position) {
  RopeShape plain, linear;
  plain.width = linear.width = 32;
  linear.scaling = RopeScaling::linear;
  linear.factor = 4;
  std::vector<float> a(32), b(32);
  Rope(plain, nullptr).angles(5, a.data());
  Rope(linear, nullptr).angles(20, b.data());
  EXPECT_EQ(a, b);
}

TEST(RopeTest, yarn_keeps_the_fast_pairs_and_slows_the_slow_ones) {
  RopeShape shape;
  shape.width = 64;
  shape.scaling = RopeScaling::yarn;
  shape.factor = 4;
  shape.original_context = 4096;
  const double magnitude = 1 + 0.1 * std::log(4.0);
  std::vector<float> angles(64);
  Rope(shape, nullptr).angles(100, angles.data());
  EXPECT_NEAR(std::cos(100.0) * magnitude, angles[0], 1e-6);
  const double slowest = 100 * std::pow(10000.0, -62.0 / 64) / 4;
  EXPECT_NEAR(std::sin(slowest) * magnitude, angles[63], 1e-6);
}

TEST(RopeTest, both_styles_turn_their_pairs_and_leave_the_rest) {
  RopeShape shape;
  shape.width = 4;
  const Rope rope(shape, nullptr);
  std::vector<float> angles(4);
  rope.angles(1, angles.data());
  const float c0 = angles[0], c1 = angles[1], s0 = angles[2], s1 = angles[3];
  std::vector<float> x = {1, 2, 3, 4, 5, 6};
  rope.rotate(RopeStyle::neighbours, angles.data(), x.data(), 1, 6);
  EXPECT_EQ((std::vector<float>{1 * c0 - 2 * s0, 1 * s0 + 2 * c0, 3 * c1 - 4 * s1, 3 * s1 + 4 * c1,
                                5, 6}),
            x);
  x = {1, 2, 3, 4, 5, 6};
  rope.rotate(RopeStyle::halves, angles.data(), x.data(), 1, 6);
  EXPECT_EQ((std::vector<float>{1 * c0 - 3 * s0, 2 * c1 - 4 * s1, 1 * s0 + 3 * c0, 2 * s1 + 4 * c1,
                                5, 6}),
            x);
}

}  // namespace
}  // namespace sotto::model

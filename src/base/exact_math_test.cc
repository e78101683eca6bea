// Tests of the elementary functions against long double, and of their exact bits.
// SPDX-License-Identifier: Apache-2.0
#include "base/exact_math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sotto::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kInputs = 200'000;

// A fixed stream of inputs (SplitMix64).
class Inputs {
 public:
  uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double between(double low, double high) {
    return low + (high - low) * (static_cast<double>(bits() >> 11) * 0x1p-53);
  }
  double any_positive() { return std::bit_cast<double>(bits() % 0x7fefffffffffffff + 1); }

 private:
  uint64_t state_ = 1;
};

// The distance from the true value in units of the last place of a double.
double ulps(double value, long double truth) {
  if (truth == 0) return value == 0 ? 0 : kInfinity;
  int exponent = 0;
  std::frexp(static_cast<double>(truth), &exponent);
  const long double unit = std::ldexp(1.0L, std::max(exponent - 53, -1074));
  return static_cast<double>(std::abs(value - truth) / unit);
}

static_assert(LDBL_MANT_DIG == 64, "the reference is the 80-bit long double");

TEST(ExactMath, exp_is_within_one_unit_of_the_last_place) {
  Inputs inputs;
  double worst = 0;
  for (int i = 0; i < kInputs; ++i) {
    const double x = i % 2 == 0 ? inputs.between(-745, 709.78) : inputs.between(-2, 2);
    worst = std::max(worst, ulps(exp(x), std::exp(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, 1.0);
  RecordProperty("worst", std::to_string(worst));
}

TEST(ExactMath, exp_at_its_borders) {
  EXPECT_EQ(exp(0), 1);
  EXPECT_EQ(exp(-0.0), 1);
  EXPECT_EQ(exp(710), kInfinity);
  EXPECT_EQ(exp(kInfinity), kInfinity);
  EXPECT_EQ(exp(-746), 0);
  EXPECT_EQ(exp(-kInfinity), 0);
  EXPECT_EQ(exp(-744.5), std::numeric_limits<double>::denorm_min());
  EXPECT_NE(exp(kNan), exp(kNan));
}

TEST(ExactMath, log_is_within_one_unit_of_the_last_place) {
  Inputs inputs;
  double worst = 0;
  for (int i = 0; i < kInputs; ++i) {
    const double x = i % 2 == 0 ? inputs.any_positive() : inputs.between(0.5, 2);
    worst = std::max(worst, ulps(log(x), std::log(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, 1.0);
  RecordProperty("worst", std::to_string(worst));
}

TEST(ExactMath, log_at_its_borders) {
  EXPECT_EQ(log(1), 0);
  EXPECT_EQ(log(0), -kInfinity);
  EXPECT_EQ(log(kInfinity), kInfinity);
  EXPECT_NE(log(-1), log(-1));
  EXPECT_NE(log(kNan), log(kNan));
  EXPECT_LT(ulps(log(std::numeric_limits<double>::denorm_min()), std::log(0x1p-1074L)), 1.0);
}

TEST(ExactMath, sine_and_cosine_are_within_one_unit_of_the_last_place) {
  Inputs inputs;
  double worst = 0;
  for (int i = 0; i < kInputs; ++i) {
    const double size = std::ldexp(1.0, i % 23);
    const double x = inputs.between(-size, size);
    worst = std::max(worst, ulps(sin(x), std::sin(static_cast<long double>(x))));
    worst = std::max(worst, ulps(cos(x), std::cos(static_cast<long double>(x))));
  }
  // Where the reduced angle is smallest: the doubles next to multiples of pi/2.
  for (int n = 1; n < (1 << 22); n += 5) {
    const double x = n * 0x1.921fb54442d18p+0;
    if (x > kAngleMax) break;
    worst = std::max(worst, ulps(sin(x), std::sin(static_cast<long double>(x))));
    worst = std::max(worst, ulps(cos(x), std::cos(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, 1.0);
  RecordProperty("worst", std::to_string(worst));
}

TEST(ExactMath, sine_and_cosine_at_their_borders) {
  EXPECT_EQ(sin(0), 0);
  EXPECT_EQ(cos(0), 1);
  EXPECT_EQ(sin(-1.25), -sin(1.25));
  EXPECT_EQ(cos(-1.25), cos(1.25));
  EXPECT_EQ(sin(kAngleMax), sin(kAngleMax));
  EXPECT_NE(sin(kAngleMax * 2), sin(kAngleMax * 2));
  EXPECT_NE(cos(-kAngleMax * 2), cos(-kAngleMax * 2));
  EXPECT_NE(sin(kInfinity), sin(kInfinity));
  EXPECT_NE(cos(kNan), cos(kNan));
}

TEST(ExactMath, power_is_as_exact_as_promised) {
  Inputs inputs;
  double worst = 0;
  double worst_far = 0;
  for (int i = 0; i < kInputs; ++i) {
    // What rotary embeddings ask for, and then anything that neither overflows nor underflows.
    const double base = inputs.between(1e3, 1e7);
    const double exponent = -inputs.between(0, 1);
    worst = std::max(worst,
                     ulps(pow(base, exponent), std::pow(static_cast<long double>(base), exponent)));
    const double x = inputs.any_positive();
    const double y = inputs.between(-700, 700) / log(x);
    worst_far = std::max(worst_far, ulps(pow(x, y), std::pow(static_cast<long double>(x), y)));
  }
  EXPECT_LT(worst, 1.0);
  EXPECT_LT(worst_far, 32.0);
  RecordProperty("worst", std::to_string(worst));
  RecordProperty("worst_far", std::to_string(worst_far));
}

TEST(ExactMath, power_at_its_borders) {
  EXPECT_EQ(pow(7, 0), 1);
  EXPECT_EQ(pow(1, 1e300), 1);
  EXPECT_EQ(pow(2, 10), 1024);
  EXPECT_EQ(pow(2, -1074), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(pow(10, 400), kInfinity);
  EXPECT_EQ(pow(10, -400), 0);
  EXPECT_NE(pow(-1, 2), pow(-1, 2));
  EXPECT_NE(pow(0, 2), pow(0, 2));
  EXPECT_NE(pow(2, kInfinity), pow(2, kInfinity));
  EXPECT_NE(pow(kNan, 2), pow(kNan, 2));
}

// Another compiler or machine must give these very bits; a change of them is a change of the
// numerics contract.
TEST(ExactMath, bits_are_the_same_everywhere) {
  Inputs inputs;
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](double value) {
    hash = (hash ^ std::bit_cast<uint64_t>(value)) * 0x100000001b3;
  };
  for (int i = 0; i < 20'000; ++i) {
    add(exp(inputs.between(-740, 700)));
    add(log(inputs.any_positive()));
    const double angle = inputs.between(-kAngleMax, kAngleMax);
    add(sin(angle));
    add(cos(angle));
    const double base = inputs.between(1, 1e7);
    add(pow(base, inputs.between(-3, 3)));
  }
  EXPECT_EQ(hash, 15113807151409860026u);
}

}  // namespace
}  // namespace sotto::exact

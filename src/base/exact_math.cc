// Elementary functions from additions, multiplications and divisions in a fixed order.
// SPDX-License-Identifier: Apache-2.0
#include "base/exact_math.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

// Contraction into fused multiply-adds would change bits; the build forbids it everywhere.
#ifdef __FAST_MATH__
#error "exact_math needs IEEE arithmetic as it is written"
#endif

namespace sotto::exact {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two parts. The first has 32 significant bits, so that its product with any exponent is
// exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLog2E = 0x1.71547652b82fep+0;

// Adding and subtracting this rounds to the nearest integer (|x| < 2^51), ties to even.
constexpr double kRounder = 0x1.8p52;

// An unevaluated sum whose second part is what the first could not hold.
struct Pair {
  double high;
  double low;
};

// The exact sum (Knuth).
Pair two_sum(double a, double b) {
  const double sum = a + b;
  const double b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

// The exact sum where |a| >= |b| (Dekker).
Pair fast_two_sum(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}

// Two halves of 26 bits, whose products are exact (Veltkamp).
Pair split(double a) {
  const double scaled = a * 0x1.0000002p27;
  const double high = scaled - (scaled - a);
  return {high, a - high};
}

// The exact product of numbers far from overflow and underflow (Dekker).
Pair two_product(double a, double b) {
  const double product = a * b;
  const Pair x = split(a);
  const Pair y = split(b);
  const double error =
      x.low * y.low - (((product - x.high * y.high) - x.low * y.high) - x.high * y.low);
  return {product, error};
}

// c[0] + c[1] x + c[2] x^2 + …
double polynomial(std::span<const double> c, double x) {
  double sum = c.back();
  for (size_t i = c.size() - 1; i > 0; --i) sum = sum * x + c[i - 1];
  return sum;
}

// value * 2^exponent, rounded once unless the result is subnormal (then the value is as good as
// exact before).
double scale(double value, int exponent) {
  if (exponent < -1021) return scale(value, exponent + 600) * 0x1p-600;
  if (exponent > 1023) return scale(value, exponent - 600) * 0x1p600;
  return value * std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

// exp(high + low) for a small `low`.
double exp_of_pair(double high, double low) {
  // 1/2!, 1/3!, … 1/13!: on |r| <= ln(2)/2 the rest of the series is below 2^-57 of the result.
  static constexpr double kFactors[] = {
      1.0 / 2,     1.0 / 6,      1.0 / 24,      1.0 / 120,      1.0 / 720,       1.0 / 5040,
      1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
  const double k = (high * kLog2E + kRounder) - kRounder;
  const double reduced = high - k * kLn2High;  // exact
  const double correction = low - k * kLn2Low;
  const Pair r = two_sum(reduced, correction);
  const double tail = r.low + r.high * r.low + r.high * r.high * polynomial(kFactors, r.high);
  return scale(1.0 + (r.high + tail), static_cast<int>(k));
}

// The exponent and the significand in [sqrt(1/2), sqrt(2)) of a positive finite number.
struct Parts {
  double exponent;
  double significand;
};

Parts take_apart(double x) {
  int exponent = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    exponent = -54;
  }
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  double significand = std::bit_cast<double>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
  if (significand >= 0x1.6a09e667f3bcdp+0) {
    significand /= 2;
    ++exponent;
  }
  return {static_cast<double>(exponent), significand};
}

// With s = f / (2 + f), log(1 + f) = 2 atanh(s) = 2 s + s^3 (2/3 + 2/5 s^2 + …). |s| < 0.172, where
// these terms leave less than 2^-60 of the result.
constexpr double kAtanhFactors[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                                    2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};

// log(x) to about 60 bits.
Pair log_pair(double x) {
  const Parts parts = take_apart(x);
  const double f = parts.significand - 1;  // exact
  const Pair divisor = two_sum(2, f);
  const double s = f / divisor.high;
  const Pair back = two_product(s, divisor.high);
  const double s_low = (((f - back.high) - back.low) - s * divisor.low) / divisor.high;
  const double square = s * s;
  const double rest = 2 * s_low + s * square * polynomial(kAtanhFactors, square);
  const Pair near = fast_two_sum(2 * s, rest);
  const Pair sum = two_sum(parts.exponent * kLn2High, near.high);
  return fast_two_sum(sum.high, sum.low + (near.low + parts.exponent * kLn2Low));
}

// x less the nearest multiple of pi/2, and that multiple modulo 4.
struct Angle {
  Pair rest;
  unsigned quadrant;
};

Angle reduce(double x) {
  // pi/2 in parts of 30 bits, whose products with a multiple up to 2^23 are exact, and a last one.
  constexpr double kPart1 = 0x1.921fb54p+0;
  constexpr double kPart2 = 0x1.10b46118p-30;
  constexpr double kPart3 = 0x1.313198ap-61;
  constexpr double kPart4 = 0x1.701b839a25205p-92;
  const double n = (x * 0x1.45f306dc9c883p-1 + kRounder) - kRounder;
  const Pair first = two_sum(x, -n * kPart1);
  const Pair second = two_sum(first.high, -n * kPart2);
  const Pair third = two_sum(second.high, -n * kPart3);
  const double low = first.low + (second.low + (third.low - n * kPart4));
  return {two_sum(third.high, low), static_cast<unsigned>(static_cast<int>(n)) & 3};
}

// On |r| <= pi/4 the rests of both series are below 2^-58 of the results.
double sin_near_zero(Pair r) {
  static constexpr double kFactors[] = {
      -1.0 / 6,        1.0 / 120,        -1.0 / 5040,          1.0 / 362880,
      -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000};
  const double square = r.high * r.high;
  return r.high + (r.low * (1 - square / 2) + r.high * square * polynomial(kFactors, square));
}

double cos_near_zero(Pair r) {
  static constexpr double kFactors[] = {
      1.0 / 24,        -1.0 / 720,         1.0 / 40320,         -1.0 / 3628800,
      1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000};
  const double square = r.high * r.high;
  const double half = square / 2;
  const double most = 1 - half;
  const double lost = (1 - most) - half;
  return most + (lost + (square * square * polynomial(kFactors, square) - r.high * r.low));
}

bool out_of_range(double x) {
  return !(x >= -kAngleMax && x <= kAngleMax);
}

}  // namespace

double exp(double x) {
  if (!(x >= -746)) return x != x ? x : 0;
  if (x > 710) return kInfinity;
  return exp_of_pair(x, 0);
}

double log(double x) {
  if (x == 0) return -kInfinity;
  if (!(x > 0) || x == kInfinity) return x < 0 ? kNan : x;
  const Pair result = log_pair(x);
  return result.high + result.low;
}

double sin(double x) {
  if (out_of_range(x)) return kNan;
  if (x == 0) return x;
  const Angle angle = reduce(x);
  const double size =
      angle.quadrant % 2 == 0 ? sin_near_zero(angle.rest) : cos_near_zero(angle.rest);
  return angle.quadrant < 2 ? size : -size;
}

double cos(double x) {
  if (out_of_range(x)) return kNan;
  const Angle angle = reduce(x);
  const double size =
      angle.quadrant % 2 == 0 ? cos_near_zero(angle.rest) : sin_near_zero(angle.rest);
  return angle.quadrant == 0 || angle.quadrant == 3 ? size : -size;
}

double pow(double x, double y) {
  if (!(x > 0 && x < kInfinity && y > -kInfinity && y < kInfinity)) return kNan;
  const Pair logarithm = log_pair(x);
  const double about = y * logarithm.high;
  if (about > 800) return kInfinity;
  if (about < -800) return 0;
  // Below this the result is 1 to the last bit, and the exact product would underflow.
  if (about > -0x1p-60 && about < 0x1p-60) return 1;
  const Pair product = two_product(y, logarithm.high);
  return exp_of_pair(product.high, product.low + y * logarithm.low);
}

}  // namespace sotto::exact

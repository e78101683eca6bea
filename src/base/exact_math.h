// Elementary functions with the same bits on every machine, which libm's do not promise.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sotto::exact {

// Made of IEEE 754 additions, multiplications and divisions in a fixed order; without fused
// multiply-adds, which not every machine has. Each but pow() is within one unit of the last place.

// Overflow gives infinity, underflow gives subnormal numbers and then 0.
double exp(double x);

// The natural logarithm: -infinity for 0, not a number below.
double log(double x);

// For |x| up to kAngleMax; beyond it, and for what is not a number, not a number.
inline constexpr double kAngleMax = 6588397.0;  // 2^20 turns
double sin(double x);
double cos(double x);

// x to the power y for x above 0, both finite; everything else gives not a number. Within one unit
// of the last place for rotary embeddings' powers, 10^3..10^7 to the power -1..0; within 32 of them
// where the result is about to overflow or underflow.
double pow(double x, double y);

}  // namespace sotto::exact

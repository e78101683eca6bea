// The constants of the contract's elementary functions, shared by every instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sotto::kernels {

// exp(x) [numerics §5]: x is clamped to [kExpLowest, kExpHighest]; n = x * log2(e) rounded to an
// integer by adding and subtracting kExpMagic; r = x - n * ln 2 in two steps; a polynomial in r;
// times 2^n.
inline constexpr float kExpLowest = -87.0f;
inline constexpr float kExpHighest = 88.0f;
inline constexpr float kLog2E = 1.44269504f;
inline constexpr float kExpMagic = 12582912.0f;  // 1.5 * 2^23
inline constexpr uint32_t kExpMagicBits = 0x4b400000;
inline constexpr float kLn2High = 0.693359375f;  // n * this is exact for |n| < 2^14
inline constexpr float kLn2Low = -2.12194440e-4f;
// exp(r) = 1 + r + r^2 (c2 + r (c3 + r (c4 + r (c5 + r c6)))), |r| <= ln(2) / 2
inline constexpr float kExp2 = 0.5f;
inline constexpr float kExp3 = 1.66666667e-1f;
inline constexpr float kExp4 = 4.16666667e-2f;
inline constexpr float kExp5 = 8.33333333e-3f;
inline constexpr float kExp6 = 1.38888889e-3f;

// gelu(x) = x / (1 + exp(-2u)), 2u = x (kGelu1 + kGelu3 x^2)
inline constexpr float kGelu1 = 1.59576912f;    // 2 sqrt(2 / pi)
inline constexpr float kGelu3 = 0.0713548163f;  // kGelu1 * 0.044715

// Activations whose largest magnitude is below this are zero: its reciprocal must stay finite.
inline constexpr float kQuantizeSmallest = 1e-30f;

}  // namespace sotto::kernels

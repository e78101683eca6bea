// The most that plain C++ can multiply and add, one value at a time, for benchmarks.
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/kernels.h"

namespace sotto::kernels {
namespace {

constexpr int kChains = 8;  // independent sums

uint64_t int8_peak(uint64_t rounds, uint32_t* sink) {
  int32_t sums[kChains] = {};
  int32_t a = 3, b = 5;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (int32_t& sum : sums) {
      asm volatile("" : "+r"(a), "+r"(b));  // unknown to the compiler: each product is made anew
      sum = static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(a * b));
    }
  }
  *sink = 0;
  for (const int32_t sum : sums) *sink += static_cast<uint32_t>(sum);
  return rounds * kChains * 2;
}

uint64_t float_peak(uint64_t rounds, uint32_t* sink) {
  float sums[kChains] = {};
  float a = 0.5f, b = 0.25f;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (float& sum : sums) {
      asm volatile("" : "+x"(a), "+x"(b));
      sum = std::fma(a, b, sum);
    }
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  *sink = std::bit_cast<uint32_t>(total);
  return rounds * kChains * 2;
}

}  // namespace

void add_scalar_peak(Kernels& kernels) {
  kernels.int8_peak = int8_peak;
  kernels.float_peak = float_peak;
}

}  // namespace sotto::kernels

// Recorded evidence of real machines, where the folder of vectors is at hand.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attest/claims.h"
#include "attest/evidence.h"

namespace sotto::attest {

inline std::filesystem::path vectors_dir() {
  return SOTTO_VECTORS_DIR;
}

// Skips the calling test, loudly, where there are no vectors at all; a file that is missing among
// them is a failure.
#define SKIP_WITHOUT_VECTORS()                                                   \
  if (!std::filesystem::exists(::sotto::attest::vectors_dir() / "index.json")) { \
    GTEST_SKIP() << "no vectors in " << ::sotto::attest::vectors_dir();          \
  }

inline std::vector<uint8_t> read_vector(const std::string& path) {
  std::ifstream file(vectors_dir() / path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path << " is missing";
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Every file of a folder under its own name.
inline Collateral read_collateral(const std::string& folder) {
  Collateral collateral;
  EXPECT_TRUE(std::filesystem::is_directory(vectors_dir() / folder)) << folder << " is missing";
  for (const auto& entry : std::filesystem::directory_iterator(vectors_dir() / folder)) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(collateral.add(name, read_vector(folder + "/" + name)));
  }
  return collateral;
}

// What came out, in one word: the TCB status (or "verified" without one), or the reason of a refusal
// behind a "!".
inline std::string outcome(const Verified<Claims>& result) {
  if (!result) return "!" + std::string(to_string(result.error().reason));
  return result->tcb ? result->tcb->status : "verified";
}

// Every flip of a single bit of `evidence` must be refused by `verify`; where there are more bits than
// `flips_max`, that many of them, spread over all bytes and all bits of a byte. Returns how many were
// tried.
template <class Verify>
uint64_t expect_every_bit_flip_refused(std::vector<uint8_t> evidence, Verify verify,
                                       uint64_t flips_max = 20'000) {
  constexpr uint64_t kStride = 1'000'003;  // a prime, so that no bit comes twice
  const uint64_t bits = evidence.size() * 8;
  const uint64_t flips = std::min(bits, flips_max);
  EXPECT_GT(flips, 0u);
  EXPECT_NE(bits % kStride, 0u);
  uint64_t accepted = 0;
  for (uint64_t i = 0; i < flips; ++i) {
    const uint64_t bit = flips == bits ? i : i * kStride % bits;
    evidence[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    if (verify(Bytes(evidence)).has_value() && ++accepted <= 10) {
      ADD_FAILURE() << "accepted with bit " << bit % 8 << " of byte " << bit / 8 << " flipped";
    }
    evidence[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
  EXPECT_EQ(accepted, 0u);
  return flips;
}

}  // namespace sotto::attest

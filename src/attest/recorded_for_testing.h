// Recorded evidence, and evidence with one bit changed, for the tests of every platform.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace sotto::attest {

// Below SOTTO_VECTORS_DIR; a file that is not there fails the test.
inline std::vector<uint8_t> read_recorded(const std::string& name) {
  std::ifstream in(std::filesystem::path(SOTTO_VECTORS_DIR) / name, std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Mutations {
  uint64_t tried = 0;
  uint64_t refused = 0;
};

// Flips every `stride`th bit from the byte `begin` to before `end`, one at a time, and asks
// `is_refused` about each; a mutation that is not refused fails the test.
template <class IsRefused>
Mutations flip_bits(const std::vector<uint8_t>& good, uint64_t begin, uint64_t end, uint64_t stride,
                    IsRefused is_refused) {
  Mutations mutations;
  std::vector<uint8_t> bytes = good;
  for (uint64_t bit = begin * 8; bit < end * 8; bit += stride) {
    const auto mask = static_cast<uint8_t>(1 << bit % 8);
    bytes[bit / 8] ^= mask;
    ++mutations.tried;
    const bool refused = is_refused(bytes);
    if (refused) ++mutations.refused;
    EXPECT_TRUE(refused) << "bit " << bit % 8 << " of byte " << bit / 8;
    bytes[bit / 8] ^= mask;
  }
  return mutations;
}

}  // namespace sotto::attest

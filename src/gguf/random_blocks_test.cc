// Made-up weights of every type are finite, centred, and as large as was asked.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/random_blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "gguf/blocks.h"

namespace sotto::gguf {
namespace {

constexpr uint64_t kColumns = 1024;
constexpr uint64_t kElements = 16 * kColumns;

std::vector<uint8_t> fill(TensorType type) {
  const TypeTraits& format = traits(type);
  std::vector<uint8_t> blocks(kElements / format.block_elements * format.block_bytes);
  RandomBlocks().fill(type, kColumns, kElements, blocks.data());
  return blocks;
}

TEST(RandomBlocks, look_like_trained_weights_in_every_type) {
  for (const TypeTraits& format : all_types()) {
    const std::vector<uint8_t> blocks = fill(format.type);
    std::vector<float> weights(kElements);
    dequantize(format.type, blocks.data(), kElements, weights.data());
    double sum = 0, squares = 0;
    for (const float weight : weights) {
      ASSERT_TRUE(std::isfinite(weight)) << format.name;
      sum += weight;
      squares += double{weight} * weight;
    }
    const double deviation = std::sqrt(squares / kElements);
    EXPECT_NEAR(deviation, 1.0 / 32, 0.001) << format.name;
    EXPECT_LT(std::abs(sum / kElements), deviation / 8) << format.name;
  }
}

TEST(RandomBlocks, are_the_same_each_time_but_not_in_each_block) {
  const std::vector<uint8_t> blocks = fill(TensorType::Q4_K);
  EXPECT_EQ(blocks, fill(TensorType::Q4_K));
  const uint32_t bytes = traits(TensorType::Q4_K).block_bytes;
  EXPECT_NE(std::vector(blocks.begin(), blocks.begin() + bytes),
            std::vector(blocks.begin() + bytes, blocks.begin() + 2 * bytes));
}

}  // namespace
}  // namespace sotto::gguf

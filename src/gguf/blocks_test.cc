// Number formats and block formats: exhaustive where that is possible, by hand, and against the
// reference models.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <random>

#include "gguf/file.h"

namespace sotto::gguf {
namespace {

namespace fs = std::filesystem;

// The definition, without any bit tricks: (-1)^s · 2^(e-25) · (1024 + f), subnormals 2^-24 · f.
double half_by_definition(uint32_t half) {
  const int exponent = static_cast<int>(half >> 10 & 31);
  const double fraction = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(Half, converts_every_value_exactly_and_back) {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const float value = half_to_float(static_cast<uint16_t>(half));
    if ((half & 0x7c00) != 0x7c00) {
      ASSERT_EQ(static_cast<double>(value), half_by_definition(half)) << half;
    } else if ((half & 0x3ff) == 0) {
      ASSERT_TRUE(std::isinf(value)) << half;
    } else {
      ASSERT_TRUE(std::isnan(value)) << half;
      ASSERT_EQ(float_to_half(value), half | 0x200) << half;  // quiet
      continue;
    }
    ASSERT_EQ(std::signbit(value), half >= 0x8000) << half;
    ASSERT_EQ(float_to_half(value), half);
  }
}

TEST(Half, rounds_to_nearest_even) {
  for (uint32_t half = 0; half < 0x7bff; ++half) {
    const float low = half_to_float(static_cast<uint16_t>(half));
    const float high = half_to_float(static_cast<uint16_t>(half + 1));
    const float middle = (low + high) / 2;  // exact
    ASSERT_EQ(float_to_half(middle), half % 2 == 0 ? half : half + 1) << half;
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0f)), half) << half;
    ASSERT_EQ(float_to_half(std::nextafter(middle, 1e30f)), half + 1) << half;
  }
  EXPECT_EQ(float_to_half(65519.99f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-1e30f), 0xfc00);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(float_to_half(-0.0f), 0x8000);
}

TEST(Bfloat16, converts_every_value_exactly_and_back) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = bfloat16_to_float(static_cast<uint16_t>(bits));
    uint32_t wide;
    std::memcpy(&wide, &value, sizeof(wide));
    ASSERT_EQ(wide, bits << 16);
    ASSERT_EQ(float_to_bfloat16(value), std::isnan(value) ? bits | 0x40 : bits);
  }
}

TEST(Bfloat16, rounds_to_nearest_even) {
  EXPECT_EQ(float_to_bfloat16(1.0f + 0x1p-8f), 0x3f80);            // halfway, to even
  EXPECT_EQ(float_to_bfloat16(1.0f + 0x1p-7f + 0x1p-8f), 0x3f82);  // halfway, to even
  EXPECT_EQ(float_to_bfloat16(1.0f + 0x1p-8f + 0x1p-20f), 0x3f81);
  EXPECT_EQ(float_to_bfloat16(std::numeric_limits<float>::max()), 0x7f80);
}

std::vector<uint8_t> random_block(std::mt19937& random, TensorType type) {
  std::vector<uint8_t> block(traits(type).block_bytes);
  for (uint8_t& byte : block) byte = static_cast<uint8_t>(random());
  return block;
}

// For whatever bytes: integers within the bound that kernels rely on, and what dequantize() makes of
// them is what the contract says.
TEST(DecodeBlock, keeps_its_contract_on_random_bytes) {
  std::mt19937 random(1);
  for (const TypeTraits& type : all_types()) {
    if (type.block_elements == 1) continue;
    for (int round = 0; round < 2000; ++round) {
      const std::vector<uint8_t> block = random_block(random, type.type);
      IntegerBlock decoded;
      decode_block(type.type, block.data(), decoded);
      float values[256];
      dequantize(type.type, block.data(), type.block_elements, values);
      if (!std::isfinite(decoded.scale) || !std::isfinite(decoded.min_scale)) continue;
      for (uint32_t i = 0; i < type.block_elements; ++i) {
        ASSERT_LE(std::abs(decoded.weight[i]), 1 << 13) << type.name;
        const double weight = double{decoded.scale} * decoded.weight[i];
        const double min = double{decoded.min_scale} * decoded.min[i / 16];
        ASSERT_EQ(weight, static_cast<float>(weight)) << type.name << ": not exact in float";
        ASSERT_EQ(min, static_cast<float>(min)) << type.name << ": not exact in float";
        // One rounding: the difference of two floats, as the contract says.
        ASSERT_EQ(values[i], static_cast<float>(weight) - static_cast<float>(min)) << type.name;
      }
    }
  }
}

// Blocks whose bytes were worked out by hand from the formats' layouts.
constexpr uint16_t kHalfOne = 0x3c00;
constexpr uint16_t kHalfTwo = 0x4000;

void put_half(std::vector<uint8_t>& block, size_t at, uint16_t half) {
  std::memcpy(block.data() + at, &half, sizeof(half));
}

std::vector<float> values_of(TensorType type, const std::vector<uint8_t>& block) {
  EXPECT_EQ(block.size(), traits(type).block_bytes);
  std::vector<float> values(traits(type).block_elements);
  dequantize(type, block.data(), values.size(), values.data());
  return values;
}

TEST(DecodeBlock, reads_q4_0_and_q4_1_low_halves_first) {
  std::vector<uint8_t> block(18);
  put_half(block, 0, kHalfTwo);
  block[2] = 0xf1;
  auto values = values_of(TensorType::Q4_0, block);
  EXPECT_EQ(values[0], 2.0f * (1 - 8));
  EXPECT_EQ(values[16], 2.0f * (15 - 8));
  EXPECT_EQ(values[1], 2.0f * -8);

  block.assign(20, 0);
  put_half(block, 0, kHalfTwo);
  put_half(block, 2, kHalfOne);
  block[4 + 15] = 0x3a;
  values = values_of(TensorType::Q4_1, block);
  EXPECT_EQ(values[15], 2.0f * 10 + 1);
  EXPECT_EQ(values[31], 2.0f * 3 + 1);
  EXPECT_EQ(values[0], 1.0f);
}

TEST(DecodeBlock, reads_the_fifth_bits_of_q5_0_and_q5_1) {
  std::vector<uint8_t> block(22);
  put_half(block, 0, kHalfOne);
  block[2] = 0x01;  // element 0
  block[5] = 0x80;  // element 31
  block[6 + 15] = 0x20;
  auto values = values_of(TensorType::Q5_0, block);
  EXPECT_EQ(values[0], 16.0f - 16);
  EXPECT_EQ(values[31], 16.0f + 2 - 16);
  EXPECT_EQ(values[15], -16.0f);

  block.assign(24, 0);
  put_half(block, 0, kHalfOne);
  put_half(block, 2, kHalfTwo);
  block[6] = 0x01;  // element 16
  values = values_of(TensorType::Q5_1, block);
  EXPECT_EQ(values[16], 16.0f + 2);
  EXPECT_EQ(values[0], 2.0f);
}

TEST(DecodeBlock, reads_the_packed_scales_of_q4_k) {
  std::vector<uint8_t> block(144);
  put_half(block, 0, kHalfOne);
  put_half(block, 2, kHalfTwo);
  block[4 + 1] = 0x80 | 5;  // sub-block 1: scale 5; sub-block 5: upper scale bits 2
  block[4 + 5] = 0x40 | 7;  // sub-block 1: minimum 7; sub-block 5: upper minimum bits 1
  block[4 + 9] = 0x39;      // sub-block 5: scale 9, minimum 3 (low bits)
  block[16] = 0x40;         // element 32 (sub-block 1): 4
  block[16 + 64] = 0x60;    // element 160 (sub-block 5): 6
  const auto values = values_of(TensorType::Q4_K, block);
  EXPECT_EQ(values[32], 5.0f * 4 - 2.0f * 7);
  EXPECT_EQ(values[160], (9.0f + 32) * 6 - 2.0f * (3 + 16));
  EXPECT_EQ(values[0], 0.0f);
}

TEST(DecodeBlock, reads_ternary_digits) {
  std::vector<uint8_t> block(54);
  put_half(block, 52, kHalfTwo);
  // The digits 2 0 1 0 2 as a fraction: (2·81 + 0·27 + 1·9 + 0·3 + 2) / 243 of 256, rounded up.
  block[0] = (173 * 256 + 242) / 243;
  const auto values = values_of(TensorType::TQ1_0, block);
  const float expected[5] = {2, -2, 0, -2, 2};
  for (size_t digit = 0; digit < 5; ++digit) EXPECT_EQ(values[32 * digit], expected[digit]);
}

TEST(DecodeBlock, makes_the_eighth_sign_even) {
  std::vector<uint8_t> block(66);
  put_half(block, 0, kHalfOne);
  block[2 + 4] = 0x01;  // signs of the first group: minus for element 0, hence for element 7 too
  const auto values = values_of(TensorType::IQ2_XXS, block);
  const float eight = 8.0f * 0.125f;  // scale 0 stands for 1/8
  EXPECT_EQ(values[0], -eight);
  for (int i = 1; i < 7; ++i) EXPECT_EQ(values[i], eight);
  EXPECT_EQ(values[7], -eight);
  EXPECT_EQ(values[8], eight);
}

TEST(DecodeBlock, spreads_the_scale_of_iq1_m) {
  std::vector<uint8_t> block(56);
  for (int nibble = 0; nibble < 4; ++nibble) {
    block[49 + 2 * nibble] = static_cast<uint8_t>((kHalfTwo >> 4 * nibble & 15) << 4);
  }
  block[48] = 3;     // the first 16 elements' scale: 2·3 + 1
  block[32] = 0x80;  // the second group subtracts its eighth
  const auto values = values_of(TensorType::IQ1_M, block);
  EXPECT_EQ(values[0], 2.0f * 7 * (-1 + 0.125f));  // entry 0 of the codebook is all -1
  EXPECT_EQ(values[8], 2.0f * 7 * (-1 - 0.125f));
  EXPECT_EQ(values[16], 2.0f * 1 * (-1 + 0.125f));
}

std::vector<uint8_t> read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> floats_of(const TensorInfo& tensor, const std::vector<uint8_t>& file) {
  std::vector<float> values(tensor.elements());
  dequantize(tensor.type, file.data() + tensor.offset, values.size(), values.data());
  return values;
}

// Relative root-mean-square error of Gaussian weights in each format, from the formats' design: bits
// per weight decide it, and a wrong shift, sign or codebook entry lands far outside.
const std::map<TensorType, std::pair<double, double>> kErrorBounds = {
    {TensorType::BF16, {0.0015, 0.0019}}, {TensorType::Q8_0, {0.004, 0.007}},
    {TensorType::Q6_K, {0.015, 0.02}},    {TensorType::Q5_K, {0.032, 0.038}},
    {TensorType::Q5_0, {0.036, 0.044}},   {TensorType::Q5_1, {0.030, 0.037}},
    {TensorType::Q4_K, {0.065, 0.075}},   {TensorType::Q4_0, {0.075, 0.088}},
    {TensorType::Q4_1, {0.065, 0.075}},   {TensorType::IQ4_NL, {0.07, 0.08}},
    {TensorType::IQ4_XS, {0.07, 0.08}},   {TensorType::Q3_K, {0.135, 0.155}},
    {TensorType::IQ3_S, {0.13, 0.145}},   {TensorType::IQ3_XXS, {0.17, 0.19}},
    {TensorType::IQ2_S, {0.24, 0.26}},    {TensorType::Q2_K, {0.25, 0.285}},
    {TensorType::IQ2_XS, {0.285, 0.315}}, {TensorType::IQ2_XXS, {0.325, 0.36}},
    {TensorType::IQ1_M, {0.43, 0.47}},    {TensorType::IQ1_S, {0.465, 0.505}},
    {TensorType::TQ1_0, {0.78, 0.83}},    {TensorType::TQ2_0, {0.78, 0.83}},
};

TEST(DecodeBlock, errs_on_the_reference_models_as_each_format_should) {
  const fs::path models = fs::path(SOTTO_ORACLE_DIR) / "models";
  if (!fs::exists(models)) GTEST_SKIP() << "no reference models at " << models;
  const auto exact = describe(models / "qwen2-f16.gguf");
  ASSERT_TRUE(exact) << exact.error().message;
  const std::vector<uint8_t> exact_file = read_all(models / "qwen2-f16.gguf");
  std::map<TensorType, std::pair<double, double>> sums;  // squared errors, squared values
  for (const auto& entry : fs::directory_iterator(models)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("qwen2-") || !name.ends_with(".gguf")) continue;
    const auto model = describe(entry.path());
    ASSERT_TRUE(model) << model.error().message;
    const std::vector<uint8_t> file = read_all(entry.path());
    for (const TensorInfo& tensor : model->tensors) {
      const TensorInfo* original = exact->find_tensor(tensor.name);
      if (original == nullptr || original->shape != tensor.shape) continue;
      const std::vector<float> values = floats_of(tensor, file);
      const std::vector<float> expected = floats_of(*original, exact_file);
      auto& [errors, squares] = sums[tensor.type];
      for (size_t i = 0; i < values.size(); ++i) {
        errors += std::pow(double{values[i]} - expected[i], 2);
        squares += std::pow(double{expected[i]}, 2);
      }
    }
  }
  for (const auto& [type, bounds] : kErrorBounds) {
    ASSERT_TRUE(sums.contains(type)) << "no reference model holds " << traits(type).name;
    const double error = std::sqrt(sums[type].first / sums[type].second);
    EXPECT_GE(error, bounds.first) << traits(type).name;
    EXPECT_LE(error, bounds.second) << traits(type).name;
  }
  EXPECT_EQ(kErrorBounds.size() + 2, all_types().size());  // all but F32 and F16
}

}  // namespace
}  // namespace sotto::gguf

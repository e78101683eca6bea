// The AMX kernels give the scalar reference's bits: on tiles, or on tiles in memory where there are none.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <immintrin.h>

#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gguf/blocks.h"
#include "kernels/dispatch.h"
#include "kernels/kernels.h"
#include "kernels/layout.h"
#include "kernels/test_matrices.h"
#include "kernels/tile_emulator.h"

namespace sotto::kernels {
namespace {

using gguf::TensorType;

// The level's table, with the emulator where this machine has no tiles. The rest of the kernels is
// AVX-512, so a machine without that has nothing to run.
class AmxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!supported(Isa::avx512)) GTEST_SKIP() << "this machine has no AVX-512";
    if (!supported(Isa::amx)) emulator_.emplace();
    kernels_ = make_kernels(Isa::avx512);
    add_amx(kernels_);
    scalar_ = make_kernels(Isa::scalar);
    below_ = make_kernels(Isa::avx512);
  }

  bool has_amx(TensorType type) const {
    const auto number = static_cast<uint32_t>(type);
    return kernels_.multiply[number] != below_.multiply[number];
  }

  // Compares all outputs of one product, computed in calls of some groups each.
  void compare(const PackedMatrix& packed, const Activations& activations, uint32_t groups_a_call) {
    const Matrix& matrix = packed.matrix;
    const uint64_t stride = uint64_t{matrix.groups()} * 16 + 16;
    const auto number = static_cast<uint32_t>(matrix.type);
    std::vector<float> expected(activations.tokens * stride, -1), actual(expected);
    scalar_.multiply[number](matrix, 0, matrix.groups(), activations, expected.data(), stride);
    for (uint32_t g = 0; g < matrix.groups(); g += groups_a_call) {
      kernels_.multiply[number](matrix, g, std::min(g + groups_a_call, matrix.groups()),
                                activations, actual.data(), stride);
    }
    // Also what lies behind the last group, which nobody may write.
    ASSERT_EQ(0, std::memcmp(expected.data(), actual.data(), expected.size() * sizeof(float)))
        << gguf::traits(matrix.type).name << " columns " << matrix.columns << " rows "
        << matrix.rows << " tokens " << activations.tokens << " groups a call " << groups_a_call;
    compared_ += expected.size();
  }

  Kernels kernels_{}, scalar_{}, below_{};
  uint64_t compared_ = 0;

 private:
  std::optional<TileEmulator> emulator_;
};

std::vector<gguf::TypeTraits> quantised_types() {
  std::vector<gguf::TypeTraits> types;
  for (const gguf::TypeTraits& type : gguf::all_types()) {
    if (type.block_elements > 1) types.push_back(type);
  }
  return types;
}

TEST_F(AmxTest, all_quantised_formats_have_kernels_and_floats_do_not) {
  for (const gguf::TypeTraits& type : quantised_types()) {
    EXPECT_TRUE(has_amx(type.type)) << type.name;
  }
  for (const TensorType type : {TensorType::F32, TensorType::F16, TensorType::BF16}) {
    EXPECT_FALSE(has_amx(type)) << gguf::traits(type).name;
  }
  EXPECT_EQ(std::string("amx"), kernels_.isa);
}

// Three blocks of 256 columns: the first, one inside, the last. Three groups: two panels, then one.
TEST_F(AmxTest, products_have_the_scalar_bits_for_every_number_of_tokens) {
  Random random(11);
  for (const gguf::TypeTraits& type : quantised_types()) {
    const PackedMatrix packed(type.type, 48, 768, random_rows(type.type, 48, 768, random));
    for (uint32_t tokens = 1; tokens <= 40; ++tokens) {
      const QuantizedTokens input(scalar_, tokens, 768, type.block_elements, random);
      ASSERT_NO_FATAL_FAILURE(compare(packed, input.activations, 3));
    }
    for (const uint32_t tokens : {100u, 129u}) {
      const QuantizedTokens input(scalar_, tokens, 768, type.block_elements, random);
      ASSERT_NO_FATAL_FAILURE(compare(packed, input.activations, 2));
    }
  }
  std::printf("%llu outputs compared\n", static_cast<unsigned long long>(compared_));
}

TEST_F(AmxTest, products_have_the_scalar_bits_for_every_shape) {
  Random random(12);
  for (const gguf::TypeTraits& type : quantised_types()) {
    std::vector<uint32_t> widths = {256, 1024};
    if (type.block_elements == 32) widths.insert(widths.end(), {32, 96, 480, 544});
    for (const uint32_t columns : widths) {
      for (const uint32_t rows : {1u, 53u}) {
        const PackedMatrix packed(type.type, rows, columns,
                                  random_rows(type.type, rows, columns, random));
        const QuantizedTokens input(scalar_, 21, columns, type.block_elements, random);
        for (const uint32_t groups_a_call : {1u, 5u}) {
          ASSERT_NO_FATAL_FAILURE(compare(packed, input.activations, groups_a_call));
        }
      }
    }
  }
  std::printf("%llu outputs compared\n", static_cast<unsigned long long>(compared_));
}

// Many columns are cut into chunks, many tokens into passes.
TEST_F(AmxTest, chunks_of_columns_and_passes_of_tokens_change_no_bit) {
  Random random(13);
  for (const TensorType type : {TensorType::Q4_K, TensorType::Q3_K, TensorType::Q4_1}) {
    const uint32_t block = gguf::traits(type).block_elements;
    {
      const PackedMatrix packed(type, 32, 8192, random_rows(type, 32, 8192, random));
      const QuantizedTokens input(scalar_, 200, 8192, block, random);  // 2 chunks of 16 blocks
      ASSERT_NO_FATAL_FAILURE(compare(packed, input.activations, 2));
    }
    {
      const PackedMatrix packed(type, 16, 2560, random_rows(type, 16, 2560, random));
      const QuantizedTokens input(scalar_, 513, 2560, block, random);  // 2 passes
      ASSERT_NO_FATAL_FAILURE(compare(packed, input.activations, 1));
    }
  }
}

// A block of one byte over and over, with some of the largest signed bytes in between, so that scales
// and weights meet their opposites.
void fill_with_extremes(const gguf::TypeTraits& type, uint8_t fill, Random& random,
                        uint8_t* block) {
  for (uint32_t i = 0; i < type.block_bytes; ++i) {
    const uint8_t drawn = random.byte();
    block[i] = drawn < 200 ? fill : drawn % 2 == 0 ? 0x7f : 0x80;
  }
  // Where that makes an infinite scale, which no contract is about, a one is put in its place, wherever
  // the format has it.
  const auto infinite_scales = [&] {
    gguf::IntegerBlock decoded;
    gguf::decode_block(type.type, block, decoded);
    return !std::isfinite(decoded.scale) + !std::isfinite(decoded.min_scale);
  };
  for (uint32_t i = 0; i + 1 < type.block_bytes && infinite_scales() > 0; ++i) {
    const int before = infinite_scales();
    const uint8_t kept[2] = {block[i], block[i + 1]}, one[2] = {0x00, 0x3c};
    std::copy_n(one, 2, block + i);
    if (infinite_scales() >= before) std::copy_n(kept, 2, block + i);
  }
  ASSERT_EQ(0, infinite_scales()) << type.name;
}

// No digit and no sum of products may overflow.
TEST_F(AmxTest, extreme_weights_and_activations_have_the_scalar_bits) {
  const uint32_t rows = 16, columns = 256, tokens = 17;
  for (const gguf::TypeTraits& type : quantised_types()) {
    Random random(18);
    QuantizedTokens input(scalar_, tokens, columns, type.block_elements, random);
    std::vector<float> values(columns);
    for (uint32_t token = 0; token < tokens; ++token) {
      for (float& value : values) {  // all 127, all -127, or either
        value = token == 0 ? 1.0f : token == 1 ? -1.0f : random.byte() % 2 == 0 ? 1.0f : -1.0f;
      }
      scalar_.quantize(values.data(), columns, type.block_elements, &input.blocks[token],
                       input.activations.block_stride);
    }
    std::vector<uint8_t> file(uint64_t{rows} * columns / type.block_elements * type.block_bytes);
    for (const uint8_t fill : {0x00, 0xff, 0x7f, 0x80, 0x0f, 0xf0, 0x55, 0xaa}) {
      for (uint64_t at = 0; at < file.size(); at += type.block_bytes) {
        ASSERT_NO_FATAL_FAILURE(fill_with_extremes(type, fill, random, &file[at]));
      }
      const PackedMatrix packed(type.type, rows, columns, file);
      ASSERT_NO_FATAL_FAILURE(compare(packed, input.activations, 1));
    }
  }
}

// Each thread loads its own shapes of tiles, and gives them back.
TEST_F(AmxTest, threads_do_not_share_tiles) {
  Random random(14);
  const TensorType type = TensorType::Q4_K;
  const PackedMatrix packed(type, 64, 512, random_rows(type, 64, 512, random));
  const QuantizedTokens many(scalar_, 40, 512, 256, random), few(scalar_, 11, 512, 256, random);
  std::vector<std::vector<float>> results(4);
  std::vector<std::thread> threads;
  for (std::vector<float>& result : results) {
    const Activations& input = threads.size() % 2 == 0 ? many.activations : few.activations;
    result.resize(uint64_t{input.tokens} * 64);
    threads.emplace_back([&, this] {
      for (int round = 0; round < 5; ++round) {
        kernels_.multiply[static_cast<uint32_t>(type)](packed.matrix, 0, 4, input, result.data(),
                                                       64);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < results.size(); ++i) {
    const Activations& input = i % 2 == 0 ? many.activations : few.activations;
    std::vector<float> expected(results[i].size());
    scalar_.multiply[static_cast<uint32_t>(type)](packed.matrix, 0, 4, input, expected.data(), 64);
    EXPECT_EQ(0, std::memcmp(expected.data(), results[i].data(), expected.size() * 4));
  }
}

// The costs that docs/internals/amx.md counts with: instructions for 32 rows, 32 tokens, 256 columns.
TEST_F(AmxTest, a_tile_takes_as_many_products_as_its_digits_need) {
  if (supported(Isa::amx)) GTEST_SKIP() << "real tiles do not count";
  Random random(15);
  struct Case {
    TensorType type;
    uint64_t products, loads, stores;
  };
  for (const Case& expected : {Case{TensorType::Q4_K, 4 * 8, 4 * 8 + 2 * 4, 4 * 2},
                               Case{TensorType::Q6_K, 4 * 8, 4 * 8 + 2 * 4, 4 * 2},
                               Case{TensorType::Q3_K, 4 * 4, 4 * 4 + 2 * 4, 4},
                               Case{TensorType::Q8_0, 4 * 8, 4 * 8 + 4 * 4, 4 * 8 + 4}}) {
    const gguf::TypeTraits& type = gguf::traits(expected.type);
    const PackedMatrix packed(type.type, 32, 256, random_rows(type.type, 32, 256, random));
    const QuantizedTokens input(scalar_, 32, 256, type.block_elements, random);
    std::vector<float> out(32 * 32);
    TileEmulator::reset_counts();
    kernels_.multiply[static_cast<uint32_t>(type.type)](packed.matrix, 0, 2, input.activations,
                                                        out.data(), 32);
    const TileCounts& counts = TileEmulator::counts();
    EXPECT_EQ(expected.products, counts.products) << type.name;
    EXPECT_EQ(expected.loads, counts.loads) << type.name;
    EXPECT_EQ(expected.stores, counts.stores) << type.name;
    EXPECT_EQ(expected.type == TensorType::Q8_0 ? 4 * 8u : expected.products / 4, counts.zeros);
    EXPECT_EQ(1u, counts.configurations);
    EXPECT_EQ(1u, counts.releases);
  }
}

TEST_F(AmxTest, few_tokens_are_left_to_avx512) {
  if (supported(Isa::amx)) GTEST_SKIP() << "real tiles do not count";
  Random random(16);
  const PackedMatrix packed(TensorType::Q4_K, 16, 256,
                            random_rows(TensorType::Q4_K, 16, 256, random));
  for (const uint32_t tokens : {1u, 8u, 9u}) {
    const QuantizedTokens input(scalar_, tokens, 256, 256, random);
    std::vector<float> out(tokens * 16);
    TileEmulator::reset_counts();
    kernels_.multiply[static_cast<uint32_t>(TensorType::Q4_K)](packed.matrix, 0, 1,
                                                               input.activations, out.data(), 16);
    EXPECT_EQ(tokens < 9 ? 0u : 8u, TileEmulator::counts().products);
  }
}

// One product of tiles, in plain instructions of this file: `rows` tokens by 64 columns by 16 rows.
template <bool second_signed>
__attribute__((target("amx-tile,amx-int8"))) void multiply_tiles(uint32_t rows, const int8_t* first,
                                                                 const uint8_t* second,
                                                                 int32_t* sums, int64_t stride) {
  struct alignas(64) {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64};
    uint8_t rows[16] = {};
  } shapes;
  shapes.rows[0] = shapes.rows[1] = static_cast<uint8_t>(rows);
  shapes.rows[2] = 16;
  asm volatile("" : : "r"(&shapes) : "memory");
  _tile_loadconfig(&shapes);
  _tile_loadd(0, sums, 64);
  _tile_loadd(1, first, stride);
  _tile_loadd(2, second, 64);
  if constexpr (second_signed) {
    _tile_dpbssd(0, 1, 2);
  } else {
    _tile_dpbsud(0, 1, 2);
  }
  _tile_stored(0, sums, 64);
  _tile_release();
}

// Tiles, real or emulated, multiply as the manual says, which is a matrix product with the columns of
// the second factor in groups of four.
TEST_F(AmxTest, tiles_multiply_matrices) {
  Random random(17);
  for (const uint32_t rows : {1u, 9u, 16u}) {
    for (const bool second_signed : {true, false}) {
      const int64_t stride = 448;
      std::vector<int8_t> first(16 * stride);
      std::vector<uint8_t> second(1024);
      std::vector<int32_t> sums(256), expected(256);
      for (int8_t& value : first) value = static_cast<int8_t>(random.byte());
      for (uint8_t& value : second) value = random.byte();
      for (int32_t& value : sums) value = static_cast<int32_t>(random.engine() % 100000) - 50000;
      expected = sums;
      for (uint32_t token = 0; token < rows; ++token) {
        for (uint32_t row = 0; row < 16; ++row) {
          for (uint32_t column = 0; column < 64; ++column) {
            const uint8_t byte = second[column / 4 * 64 + row * 4 + column % 4];
            const int32_t weight = second_signed ? static_cast<int8_t>(byte) : byte;
            expected[token * 16 + row] += first[token * stride + column] * weight;
          }
        }
      }
      (second_signed ? multiply_tiles<true> : multiply_tiles<false>)(rows, first.data(),
                                                                     second.data(), sums.data(),
                                                                     stride);
      EXPECT_EQ(expected, sums) << rows << " rows, signed " << second_signed;
    }
  }
}

using AmxDeathTest = AmxTest;

TEST_F(AmxDeathTest, an_emulated_tile_that_was_never_configured_ends_the_program) {
  if (supported(Isa::amx)) GTEST_SKIP() << "real tiles are the processor's affair";
  EXPECT_DEATH(asm volatile(".byte 0xc4, 0xe2, 0x7b, 0x49, 0xc0"), "would refuse");  // tilezero 0
  EXPECT_DEATH(asm volatile("ud2"), "no known tile instruction");
}

TEST(AmxLevelTest, the_level_needs_avx512_and_is_refused_without_its_instructions) {
  if (supported(Isa::amx)) {
    EXPECT_TRUE(supported(Isa::avx512));
    EXPECT_EQ(Isa::amx, *choose_isa("amx"));
  } else {
    EXPECT_EQ(ErrorKind::unsupported, choose_isa("amx").error().kind);
  }
}

}  // namespace
}  // namespace sotto::kernels

// Every instruction set gives the scalar reference's bits: all formats, shapes, batch sizes.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "gguf/blocks.h"
#include "kernels/dispatch.h"
#include "kernels/layout.h"
#include "kernels/scalar_math.h"
#include "kernels/test_matrices.h"

namespace sotto::kernels {
namespace {

using gguf::TensorType;

std::vector<Isa> vector_levels() {
  std::vector<Isa> levels = supported_levels();
  levels.erase(levels.begin());
  return levels;
}

const Kernels& scalar() {
  static const Kernels kernels = make_kernels(Isa::scalar);
  return kernels;
}

TEST(KernelsTest, packing_and_unpacking_gives_the_same_blocks) {
  Random random(1);
  for (const gguf::TypeTraits& type : gguf::all_types()) {
    const uint32_t rows = 21, columns = 512;
    const std::vector<uint8_t> file = random_rows(type.type, rows, columns, random);
    const PackedMatrix packed(type.type, rows, columns, file);
    const uint32_t blocks = columns / type.block_elements;
    std::vector<uint8_t> block(type.block_bytes);
    for (uint32_t row = 0; row < rows; ++row) {
      for (uint32_t b = 0; b < blocks; ++b) {
        unpack_block(type.type, packed.matrix.data + row / 16 * packed.matrix.group_bytes, row % 16,
                     b, block.data());
        ASSERT_EQ(0, std::memcmp(block.data(),
                                 file.data() + (uint64_t{row} * blocks + b) * type.block_bytes,
                                 type.block_bytes))
            << type.name << " row " << row << " block " << b;
      }
    }
  }
}

TEST(KernelsTest, scalar_products_are_those_of_the_dequantised_weights) {
  Random random(2);
  for (const gguf::TypeTraits& type : gguf::all_types()) {
    const uint32_t rows = 5, columns = 256, tokens = 2;
    const std::vector<uint8_t> file = random_rows(type.type, rows, columns, random);
    const PackedMatrix packed(type.type, rows, columns, file);
    const QuantizedTokens input(scalar(), tokens, columns, type.block_elements, random);
    std::vector<float> out(tokens * 16), weights(columns);
    scalar().multiply[static_cast<uint32_t>(type.type)](packed.matrix, 0, 1, input.activations,
                                                        out.data(), 16);
    for (uint32_t row = 0; row < rows; ++row) {
      gguf::dequantize(type.type, file.data() + file.size() / rows * row, columns, weights.data());
      for (uint32_t token = 0; token < tokens; ++token) {
        double expected = 0, size = 0;
        for (uint32_t i = 0; i < columns; ++i) {
          const uint64_t at = uint64_t{token} * columns + i;
          const ActivationBlock& block =
              input.activations.blocks[i / 256 * input.activations.block_stride + token];
          const double value =
              type.block_elements == 1
                  ? input.values[at]
                  : double{block.scales[i % 256 / type.block_elements]} * block.quants[i % 256];
          expected += weights[i] * value;
          size += std::fabs(weights[i] * value);
        }
        EXPECT_NEAR(expected, out[token * 16 + row], 1e-5 * size) << type.name;
      }
    }
  }
}

TEST(KernelsTest, products_have_the_same_bits_on_every_level) {
  ASSERT_FALSE(supported_levels().empty());
  uint64_t compared = 0;
  for (const Isa isa : vector_levels()) {
    const Kernels kernels = make_kernels(isa);
    Random random(3);
    for (const gguf::TypeTraits& type : gguf::all_types()) {
      for (const uint32_t columns : {256u, 288u, 768u}) {
        if (columns % type.block_elements != 0) continue;
        for (const uint32_t rows : {16u, 85u}) {
          const PackedMatrix packed(type.type, rows, columns,
                                    random_rows(type.type, rows, columns, random));
          const uint32_t groups = packed.matrix.groups();
          const uint64_t stride = groups * 16;
          for (const uint32_t tokens : {1u, 2u, 3u, 5u, 8u, 15u, 70u, 131u}) {
            if (tokens > 100 && (columns > 256 || rows > 16)) continue;
            const QuantizedTokens input(scalar(), tokens, columns, type.block_elements, random);
            std::vector<float> expected(tokens * stride), actual(tokens * stride), whole(actual);
            const uint32_t number = static_cast<uint32_t>(type.type);
            scalar().multiply[number](packed.matrix, 0, groups, input.activations, expected.data(),
                                      stride);
            for (uint32_t g = 0; g < groups; ++g) {
              kernels.multiply[number](packed.matrix, g, g + 1, input.activations, actual.data(),
                                       stride);
            }
            kernels.multiply[number](packed.matrix, 0, groups, input.activations, whole.data(),
                                     stride);
            ASSERT_EQ(0, std::memcmp(whole.data(), actual.data(), whole.size() * sizeof(float)))
                << kernels.isa << " " << type.name << ": groups together and one by one";
            for (uint32_t token = 0; token < tokens; ++token) {
              ASSERT_EQ(0, std::memcmp(&expected[token * stride], &actual[token * stride],
                                       rows * sizeof(float)))
                  << kernels.isa << " " << type.name << " columns " << columns << " rows " << rows
                  << " tokens " << tokens;
              compared += rows;
            }
          }
        }
      }
    }
  }
  std::printf("%llu outputs compared\n", static_cast<unsigned long long>(compared));
}

TEST(KernelsTest, quantisation_has_the_same_bits_on_every_level) {
  for (const Isa isa : vector_levels()) {
    const Kernels kernels = make_kernels(isa);
    Random random(4);
    for (const uint32_t block : {32u, 256u}) {
      std::vector<float> values(256 * 64);
      for (float& value : values) value = random.normal() * std::exp2(random.normal() * 20);
      values[3] = 0.5f;                                   // ties
      for (int i = 0; i < 256; ++i) values[512 + i] = 0;  // an empty block
      for (int i = 0; i < 256; ++i) values[768 + i] = 1e-38f;
      values[1024] = INFINITY;
      values[1300] = NAN;
      for (int i = 0; i < 256; ++i) values[2048 + i] = static_cast<float>(i - 128) + 0.5f;
      values[2048] = 127.0f;
      const uint32_t count = static_cast<uint32_t>(values.size());
      std::vector<ActivationBlock> expected(count / 256), actual(count / 256);
      scalar().quantize(values.data(), count, block, expected.data(), 1);
      kernels.quantize(values.data(), count, block, actual.data(), 1);
      for (uint32_t b = 0; b < count / 256; ++b) {
        const uint32_t scales = 256 / block;
        EXPECT_EQ(0, std::memcmp(expected[b].scales, actual[b].scales, scales * sizeof(float)));
        std::copy_n(expected[b].scales, 8, actual[b].scales);
        EXPECT_EQ(0, std::memcmp(&expected[b], &actual[b], sizeof(ActivationBlock))) << b;
      }
    }
    // A block that is filled in part: what is there is the same.
    const std::vector<float> short_row(288, 0.25f);
    ActivationBlock expected[2], actual[2];
    scalar().quantize(short_row.data(), 288, 32, expected, 1);
    kernels.quantize(short_row.data(), 288, 32, actual, 1);
    EXPECT_EQ(0, std::memcmp(expected[1].quants, actual[1].quants, 32));
    EXPECT_EQ(expected[1].sums32[0], actual[1].sums32[0]);
    EXPECT_EQ(expected[1].sums16[1], actual[1].sums16[1]);
    EXPECT_EQ(expected[1].offsets16[1], actual[1].offsets16[1]);
    EXPECT_EQ(expected[1].offsets32[0], actual[1].offsets32[0]);
  }
}

TEST(KernelsTest, elementwise_functions_have_the_same_bits_on_every_level) {
  for (const Isa isa : vector_levels()) {
    const Kernels kernels = make_kernels(isa);
    Random random(5);
    for (const uint32_t count : {1u, 15u, 16u, 64u, 100u, 1536u}) {
      std::vector<float> x(count), y(count), z(count), out1(count), out2(count);
      for (uint32_t i = 0; i < count; ++i) {
        x[i] = random.normal() * 30;
        y[i] = random.normal();
        z[i] = random.normal();
      }
      const auto same = [&](const char* what) {
        EXPECT_EQ(0, std::memcmp(out1.data(), out2.data(), count * 4)) << what << " of " << count;
      };
      scalar().rms_norm(x.data(), y.data(), count, 1e-6f, out1.data());
      kernels.rms_norm(x.data(), y.data(), count, 1e-6f, out2.data());
      same("rms_norm");
      scalar().layer_norm(x.data(), y.data(), z.data(), count, 1e-5f, out1.data());
      kernels.layer_norm(x.data(), y.data(), z.data(), count, 1e-5f, out2.data());
      same("layer_norm");
      scalar().silu_multiply(x.data(), y.data(), count, out1.data());
      kernels.silu_multiply(x.data(), y.data(), count, out2.data());
      same("silu_multiply");
      out1 = out2 = x;
      scalar().gelu(out1.data(), count);
      kernels.gelu(out2.data(), count);
      same("gelu");
    }
  }
}

TEST(KernelsTest, rounding_to_half_has_the_same_bits_on_every_level) {
  std::vector<float> values;  // a few of every sign and exponent, at and beside halfway
  for (uint32_t top = 0; top < 1u << 16; ++top) {
    for (const uint32_t low : {0x0000u, 0x0001u, 0x0fffu, 0x1000u, 0x1001u, 0x3000u, 0xffffu}) {
      values.push_back(std::bit_cast<float>(top << 16 | low));
    }
  }
  for (const Isa isa : vector_levels()) {
    const Kernels kernels = make_kernels(isa);
    for (const uint32_t count : {1u, 15u, 40u, static_cast<uint32_t>(values.size())}) {
      std::vector<uint16_t> expected(count + 1, 7), actual(count + 1, 7);
      scalar().to_half(values.data(), count, expected.data());
      kernels.to_half(values.data(), count, actual.data());
      EXPECT_EQ(expected, actual) << kernels.isa << " " << count;
    }
  }
}

TEST(KernelsTest, exp_is_within_two_units_in_the_last_place) {
  for (float x = -87.0f; x <= 88.0f; x += 0.001f) {
    const double expected = std::exp(double{x});
    EXPECT_NEAR(exp_reference(x) / expected, 1.0, 2.4e-7) << x;
  }
  EXPECT_EQ(0.0f, exp_reference(-87.5f));
  EXPECT_EQ(0.0f, exp_reference(-INFINITY));
  EXPECT_EQ(1.0f, exp_reference(0.0f));
  EXPECT_TRUE(std::isnan(exp_reference(NAN)));
}

// A page of random keys and values and some queries against it.
struct AttentionCase {
  AttentionCase(KvType type, uint32_t width, uint32_t value_width, uint32_t count, bool distance,
                Random& random)
      : keys(bytes(type, width)),
        values(bytes(type, value_width)),
        queries(uint64_t{count} * width),
        blocks(uint64_t{count} * activation_blocks(width)),
        visible(count),
        slopes(count),
        offsets(count) {
    fill(keys, type, width, random);
    fill(values, type, value_width, random);
    for (float& value : queries) value = random.normal() * 0.3f;
    for (uint32_t q = 0; q < count; ++q) {
      // Every other case as in the middle of a prompt, where all is seen, or nearly.
      const uint32_t seen = count % 2 == 0 ? 8 : kPagePositions;
      visible[q] = kPagePositions - static_cast<uint32_t>(random.engine() % seen);
      slopes[q] = std::exp2(-static_cast<float>(q));
      offsets[q] = static_cast<int32_t>(random.engine() % 1000);
      if (type == KvType::Q8_0) {
        scalar().quantize(&queries[uint64_t{q} * width], width, 32,
                          &blocks[uint64_t{q} * activation_blocks(width)], 1);
      }
    }
    page = {type, width, value_width, keys.data(), values.data(), nullptr, 0};
    view = {count,
            queries.data(),
            blocks.data(),
            visible.data(),
            distance ? slopes.data() : nullptr,
            offsets.data()};
  }
  static uint64_t bytes(KvType type, uint32_t width) {
    const uint64_t elements = uint64_t{kPagePositions} * width;
    return type == KvType::F16 ? elements * 2 : elements + elements / 32 * 2;
  }
  static void fill(std::vector<uint8_t>& bytes, KvType type, uint32_t width, Random& random) {
    const uint64_t quants = type == KvType::F16 ? 0 : uint64_t{kPagePositions} * width;
    for (uint64_t i = 0; i < quants; ++i)
      bytes[i] = static_cast<uint8_t>(random.engine() % 255 - 127);
    for (uint64_t i = quants; i < bytes.size(); i += 2) {
      const uint16_t half = gguf::float_to_half(random.normal() * (quants > 0 ? 0.01f : 1.0f));
      std::memcpy(&bytes[i], &half, 2);
    }
  }

  std::vector<uint8_t> keys, values;
  std::vector<float> queries;
  std::vector<ActivationBlock> blocks;
  std::vector<uint32_t> visible;
  std::vector<float> slopes;
  std::vector<int32_t> offsets;
  PageView page;
  Queries view;
};

struct PartialsBuffer {
  PartialsBuffer(uint32_t count, uint32_t value_width)
      : largest(count), sums(count), outputs(uint64_t{count} * value_width) {}
  Partials view() { return {largest.data(), sums.data(), outputs.data()}; }
  bool operator==(const PartialsBuffer& other) const {
    const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
      return std::memcmp(a.data(), b.data(), a.size() * 4) == 0;
    };
    return same(largest, other.largest) && same(sums, other.sums) && same(outputs, other.outputs);
  }
  std::vector<float> largest, sums, outputs;
};

// Every number that is taken together, and those that are split.
constexpr uint32_t kQueryCounts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 23, 35, 48, 60};

TEST(KernelsTest, attention_has_the_same_bits_on_every_level) {
  for (const Isa isa : vector_levels()) {
    const Kernels kernels = make_kernels(isa);
    Random random(6);
    for (const KvType type : {KvType::F16, KvType::Q8_0}) {
      for (const uint32_t width : {32u, 64u, 96u, 128u, 160u, 40u}) {
        if (type == KvType::Q8_0 && width % 32 != 0) continue;
        for (const uint32_t count : kQueryCounts) {
          for (const bool distance : {false, true}) {
            AttentionCase one(type, width, width, count, distance, random);
            AttentionCase two(type, width, width, count, distance, random);
            PartialsBuffer expected(count, width), actual(count, width), second(count, width);
            scalar().attend(one.page, one.view, expected.view());
            kernels.attend(one.page, one.view, actual.view());
            ASSERT_TRUE(expected == actual) << kernels.isa << " width " << width << " count "
                                            << count << " type " << static_cast<int>(type);
            scalar().attend(two.page, two.view, second.view());
            scalar().merge(count, width, expected.view(), second.view());
            kernels.merge(count, width, actual.view(), second.view());
            ASSERT_TRUE(expected == actual) << "merge";
          }
        }
      }
    }
  }
}

TEST(KernelsTest, a_forced_level_is_the_one_that_runs) {
  for (const Isa isa : supported_levels()) {
    const Kernels kernels = make_kernels(isa);
    const Result<Isa> chosen = choose_isa(kernels.isa);
    ASSERT_TRUE(chosen);
    EXPECT_EQ(isa, *chosen);
  }
  EXPECT_EQ(supported_levels().back(), *choose_isa("auto"));
  EXPECT_EQ(ErrorKind::unsupported, choose_isa("sse9").error().kind);
}

}  // namespace
}  // namespace sotto::kernels

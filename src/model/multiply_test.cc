// Tests that products have the same bits for any number of threads, nodes and tokens, also when
// threads stall in the middle of them.
// SPDX-License-Identifier: Apache-2.0
#include "model/multiply.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "gguf/blocks.h"
#include "kernels/dispatch.h"
#include "kernels/layout.h"

namespace sotto::model {
namespace {

using gguf::TensorType;

constexpr uint32_t kColumns = 512;
constexpr uint32_t kTokensMax = 40;

// A matrix of random weights, packed.
class RandomMatrix {
 public:
  RandomMatrix(TensorType type, uint32_t rows, uint32_t seed) {
    const gguf::TypeTraits& traits = gguf::traits(type);
    std::mt19937 random(seed);
    const uint64_t row_bytes = kColumns / traits.block_elements * traits.block_bytes;
    std::vector<uint8_t> file(row_bytes * rows);
    for (uint8_t& byte : file) byte = static_cast<uint8_t>(random());
    const uint16_t scale = gguf::float_to_half(0.01f);
    for (uint64_t at = 0; at < file.size(); at += traits.block_bytes) {
      if (type == TensorType::F32) {
        const float value = static_cast<float>(random()) / 4e9f - 0.5f;
        std::memcpy(&file[at], &value, sizeof(value));
        continue;
      }
      std::memcpy(&file[at], &scale, sizeof(scale));
      if (type == TensorType::Q4_K) std::memcpy(&file[at + 2], &scale, sizeof(scale));
    }
    matrix_ = {type, rows, kColumns, kernels::group_bytes(type, kColumns), nullptr};
    memory_ = std::move(*Memory::allocate(matrix_.groups() * matrix_.group_bytes, "a test"));
    matrix_.data = memory_.data();
    for (uint32_t row = 0; row < rows; row += kernels::kGroupRows) {
      kernels::pack_group(type, kColumns, &file[row * row_bytes],
                          std::min(rows - row, kernels::kGroupRows),
                          memory_.data() + row / kernels::kGroupRows * matrix_.group_bytes);
    }
  }
  const Matrix& matrix() const { return matrix_; }

 private:
  Memory memory_;
  Matrix matrix_{};
};

// Several loops in a row, as in a forward pass: products of several types and shapes, for 1 to
// kTokensMax tokens; all outputs one after the other.
class Products {
 public:
  std::vector<float> run(ThreadPool& pool, uint32_t rounds) {
    const kernels::Kernels kernels = kernels::make_kernels(kernels::supported_levels().back());
    auto multiplier = Multiplier::create(kernels, pool,
                                         {.tokens = kTokensMax, .columns = kColumns, .rows = 9000});
    EXPECT_TRUE(multiplier);
    std::vector<float> all;
    std::mt19937 random(1);
    for (uint32_t round = 0; round < rounds; ++round) {
      for (const uint32_t tokens : {1u, 2u, 16u, 17u, kTokensMax}) {
        std::vector<float> input(tokens * kColumns);
        for (float& x : input) x = static_cast<float>(random()) / 4e9f - 0.5f;
        const Rows rows{input.data(), kColumns, kColumns};
        multiply(**multiplier, {&query_, &key_, &value_}, rows, tokens, all);
        multiply(**multiplier, {&output_}, rows, tokens, all);
        multiply(**multiplier, {&tiny_}, rows, tokens, all);
      }
    }
    return all;
  }

 private:
  static void multiply(Multiplier& multiplier, const std::vector<const RandomMatrix*>& matrices,
                       const Rows& input, uint32_t tokens, std::vector<float>& all) {
    std::vector<std::vector<float>> outputs;
    std::vector<Product> products;
    for (const RandomMatrix* one : matrices) {
      const uint64_t stride = one->matrix().groups() * kernels::kGroupRows;
      outputs.emplace_back(tokens * stride, -1.0f);
      products.push_back({one->matrix(), {outputs.back().data(), stride, one->matrix().rows}});
    }
    multiplier.multiply(products, input, tokens);
    for (const std::vector<float>& one : outputs) all.insert(all.end(), one.begin(), one.end());
  }

  RandomMatrix query_{TensorType::Q4_K, 500, 1}, key_{TensorType::Q8_0, 100, 2},
      value_{TensorType::Q4_K, 33, 3};
  RandomMatrix output_{TensorType::F32, 2000, 4};
  RandomMatrix tiny_{TensorType::Q8_0, 3, 5};
};

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Multiply, any_number_of_threads_gives_the_same_bits) {
  Products products;
  ThreadPool alone(1);
  const std::vector<float> expected = products.run(alone, 3);
  for (const uint32_t threads : {2u, 3u, 5u}) {
    ThreadPool pool(threads);
    EXPECT_TRUE(same_bits(expected, products.run(pool, 3))) << threads;
  }
}

TEST(Multiply, any_machine_gives_the_same_bits) {
  Products products;
  ThreadPool alone(1);
  const std::vector<float> expected = products.run(alone, 1);
  for (const char* machine : {"pack:2 numa:1 core:2 pu:2", "pack:1 numa:3 core:2 pu:1"}) {
    ThreadPlan plan = plan_threads(*synthetic_topology_for_testing(machine), 5);
    EXPECT_GE(plan.nodes.size(), 2u);
    plan.processors.clear();  // this machine has others
    ThreadPool pool(plan);
    EXPECT_TRUE(same_bits(expected, products.run(pool, 1))) << machine;
  }
}

TEST(Multiply, threads_that_stall_change_no_bit) {
  Products products;
  ThreadPool alone(1);
  const std::vector<float> expected = products.run(alone, 3);
  for (const ThreadPool::Step step :
       {ThreadPool::Step::before_claim, ThreadPool::Step::before_compute,
        ThreadPool::Step::before_commit}) {
    for (const uint32_t threads : {2u, 3u, 5u}) {
      std::atomic<uint32_t> calls{0};
      const auto stall = [&](ThreadPool::Step at, uint32_t thread) {
        if (at == step && thread != 0 && calls.fetch_add(1) % 4 == 0) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      };
      const ThreadPool::Delay delay(stall);
      ThreadPool pool(threads);
      pool.set_delay_for_testing(delay);
      // On a busy machine workers may come too late to claim anything; not for ever.
      do {
        EXPECT_TRUE(same_bits(expected, products.run(pool, 3))) << threads;
      } while (step != ThreadPool::Step::before_claim && pool.revoked() == 0);
    }
  }
}

}  // namespace
}  // namespace sotto::model

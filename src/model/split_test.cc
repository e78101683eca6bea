// Tests of how matrices are split, on machines that are only described.
// SPDX-License-Identifier: Apache-2.0
#include "model/split.h"

#include <gtest/gtest.h>

#include <vector>

namespace sotto::model {
namespace {

using kernels::Matrix;

ThreadPlan plan_for(const char* machine, uint32_t threads) {
  return plan_threads(*synthetic_topology_for_testing(machine), threads);
}

Matrix matrix(uint32_t rows, uint64_t group_bytes) {
  return {gguf::TensorType::Q4_K, rows, 256, group_bytes, nullptr};
}

// Query, key and value; gate and up; one row; the output.
const std::vector<std::vector<Matrix>> kLoops = {
    {matrix(1536, 13824), matrix(256, 13824), matrix(256, 20160)},
    {matrix(8960, 13824), matrix(8960, 13824)},
    {matrix(1, 64)},
    {matrix(151936, 20160)},
};

TEST(Split, every_group_is_in_one_chunk_and_none_is_larger_than_said) {
  for (const char* machine :
       {"pack:1 core:8 pu:1", "pack:2 numa:1 core:16 pu:2", "pack:1 numa:4 core:8 pu:1"}) {
    for (const uint32_t threads : {1u, 2u, 5u, 8u, 31u, 64u}) {
      const ThreadPlan plan = plan_for(machine, threads);
      for (const std::vector<Matrix>& matrices : kLoops) {
        Split split(plan);
        std::vector<std::vector<int>> visits;
        for (const Matrix& one : matrices) {
          split.add(one);
          visits.emplace_back(one.groups(), 0);
        }
        for (const uint32_t of : {1u, 4u, 63u}) {
          for (auto& counts : visits) std::fill(counts.begin(), counts.end(), 0);
          for (uint32_t thread = 0; thread < threads; ++thread) {
            for (uint32_t index = 0; index < of; ++index) {
              const auto ranges = split.ranges(thread, index, of);
              uint32_t groups = 0;
              for (size_t i = 0; i < matrices.size(); ++i) {
                for (uint32_t g = ranges[i].begin; g < ranges[i].end; ++g) ++visits[i][g];
                groups += ranges[i].end - ranges[i].begin;
              }
              EXPECT_LE(groups, split.groups_max(of));
            }
          }
          for (const auto& counts : visits) {
            EXPECT_EQ(counts, std::vector<int>(counts.size(), 1))
                << machine << " " << threads << " " << of;
          }
        }
      }
    }
  }
}

TEST(Split, threads_of_a_node_read_only_what_lies_there) {
  const ThreadPlan plan = plan_for("pack:2 numa:1 core:16 pu:2", 32);
  ASSERT_EQ(2u, plan.nodes.size());
  for (const std::vector<Matrix>& matrices : kLoops) {
    Split split(plan);
    for (const Matrix& one : matrices) split.add(one);
    for (uint32_t thread = 0; thread < 32; ++thread) {
      const auto ranges = split.ranges(thread, 0, 1);
      for (size_t i = 0; i < matrices.size(); ++i) {
        const GroupRange home = groups_on_node(plan, thread / 16, matrices[i].groups());
        if (ranges[i].begin == ranges[i].end) continue;
        EXPECT_GE(ranges[i].begin, home.begin);
        EXPECT_LE(ranges[i].end, home.end);
      }
    }
  }
}

TEST(Split, threads_get_the_same_number_of_bytes_but_for_a_group) {
  for (const char* machine : {"pack:1 core:32 pu:1", "pack:2 numa:1 core:16 pu:1"}) {
    const ThreadPlan plan = plan_for(machine, 32);
    for (const std::vector<Matrix>& matrices : {kLoops[0], kLoops[1], kLoops[3]}) {
      Split split(plan);
      for (const Matrix& one : matrices) split.add(one);
      for (uint32_t thread = 0; thread < 32; ++thread) {
        const auto ranges = split.ranges(thread, 0, 1);
        uint64_t bytes = 0, largest = 0;
        for (size_t i = 0; i < matrices.size(); ++i) {
          bytes += (ranges[i].end - ranges[i].begin) * matrices[i].group_bytes;
          largest = std::max(largest, matrices[i].group_bytes);
        }
        EXPECT_LE(bytes, split.bytes() / 32 + 2 * largest);
        EXPECT_GE(bytes + 2 * largest, split.bytes() / 32);
      }
    }
  }
}

}  // namespace
}  // namespace sotto::model

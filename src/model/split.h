// Which thread multiplies which rows of a matrix: the same rule says where the rows lie in memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "base/topology.h"
#include "kernels/kernels.h"

namespace sotto::model {

inline constexpr uint32_t kProductsMax = 4;

// Groups of rows [begin, end) of a matrix.
struct GroupRange {
  uint32_t begin;
  uint32_t end;
};

// The groups of a matrix that lie on a node, by the node's index in the plan.
GroupRange groups_on_node(const ThreadPlan& plan, uint32_t node_index, uint32_t groups);

// Some matrices that are multiplied in one loop. Of each, a node has a contiguous part in proportion to
// its threads; within a node the bytes of all parts together are split evenly.
class Split {
 public:
  explicit Split(const ThreadPlan& plan) : plan_(&plan) {}

  void clear() { count_ = 0; }
  void add(const kernels::Matrix& matrix);
  uint64_t bytes() const;
  uint32_t groups() const;  // of all matrices

  // Of each matrix, what chunk `index` of `of` of a thread's share covers. Chunks are made of whole
  // groups, and some may be empty.
  std::array<GroupRange, kProductsMax> ranges(uint32_t thread, uint32_t index, uint32_t of) const;

  // No chunk covers more groups than this.
  uint32_t groups_max(uint32_t of) const;

 private:
  struct Part {
    uint32_t groups;
    uint64_t group_bytes;
  };
  const ThreadPlan* plan_;
  uint32_t count_ = 0;
  std::array<Part, kProductsMax> parts_{};
};

}  // namespace sotto::model

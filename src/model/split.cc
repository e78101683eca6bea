// The arithmetic of splitting matrices over nodes, threads and chunks.
// SPDX-License-Identifier: Apache-2.0
#include "model/split.h"

#include <algorithm>

#include "base/check.h"

namespace sotto::model {

GroupRange groups_on_node(const ThreadPlan& plan, uint32_t node_index, uint32_t groups) {
  const Span span = node_share(plan, node_index, groups);
  return {static_cast<uint32_t>(span.begin), static_cast<uint32_t>(span.end)};
}

void Split::add(const kernels::Matrix& matrix) {
  CHECK(count_ < kProductsMax);
  parts_[count_++] = {matrix.groups(), matrix.group_bytes};
}

uint64_t Split::bytes() const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < count_; ++i) sum += parts_[i].groups * parts_[i].group_bytes;
  return sum;
}

uint32_t Split::groups() const {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count_; ++i) sum += parts_[i].groups;
  return sum;
}

std::array<GroupRange, kProductsMax> Split::ranges(uint32_t thread, uint32_t index,
                                                   uint32_t of) const {
  uint32_t node_index = 0;
  while (thread >= plan_->nodes[node_index].thread_end) ++node_index;
  const NodeThreads& node = plan_->nodes[node_index];
  std::array<GroupRange, kProductsMax> ranges{};
  uint64_t bytes = 0;  // of the node's parts
  for (uint32_t i = 0; i < count_; ++i) {
    ranges[i] = groups_on_node(*plan_, node_index, parts_[i].groups);
    bytes += (ranges[i].end - ranges[i].begin) * parts_[i].group_bytes;
  }
  const uint64_t pieces = uint64_t{node.thread_end - node.thread_begin} * of;
  const uint64_t piece = uint64_t{thread - node.thread_begin} * of + index;
  const uint64_t from = bytes * piece / pieces, to = bytes * (piece + 1) / pieces;
  uint64_t before = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    const auto [begin, end] = ranges[i];
    const uint64_t group_bytes = parts_[i].group_bytes;
    // The first group that begins at or behind a position in the node's bytes.
    const auto first_from = [&](uint64_t position) {
      const uint64_t inside = position > before ? position - before : 0;
      return begin + static_cast<uint32_t>(
                         std::min<uint64_t>(end - begin, (inside + group_bytes - 1) / group_bytes));
    };
    ranges[i] = {first_from(from), first_from(to)};
    before += (end - begin) * group_bytes;
  }
  return ranges;
}

uint32_t Split::groups_max(uint32_t of) const {
  uint64_t most = 0;
  for (uint32_t node_index = 0; node_index < plan_->nodes.size(); ++node_index) {
    const NodeThreads& node = plan_->nodes[node_index];
    uint64_t bytes = 0, group_bytes_min = ~uint64_t{0};
    for (uint32_t i = 0; i < count_; ++i) {
      const GroupRange range = groups_on_node(*plan_, node_index, parts_[i].groups);
      bytes += (range.end - range.begin) * parts_[i].group_bytes;
      group_bytes_min = std::min(group_bytes_min, parts_[i].group_bytes);
    }
    const uint64_t pieces = uint64_t{node.thread_end - node.thread_begin} * of;
    most = std::max(most, bytes / pieces / group_bytes_min + 1 + count_);
  }
  return static_cast<uint32_t>(most);
}

}  // namespace sotto::model

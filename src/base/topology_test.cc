// Tests of where threads run and matrices lie, on machines that are only described.
// SPDX-License-Identifier: Apache-2.0
#include "base/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "base/memory.h"

namespace sotto {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Topology machine(const char* description) {
  Result<Topology> topology = synthetic_topology_for_testing(description);
  EXPECT_TRUE(topology) << description;
  return std::move(*topology);
}

std::vector<uint32_t> threads_per_node(const ThreadPlan& plan) {
  std::vector<uint32_t> counts;
  for (const NodeThreads& node : plan.nodes) counts.push_back(node.thread_end - node.thread_begin);
  return counts;
}

std::vector<uint32_t> node_numbers(const ThreadPlan& plan) {
  std::vector<uint32_t> numbers;
  for (const NodeThreads& node : plan.nodes) numbers.push_back(node.node);
  return numbers;
}

TEST(Topology, this_machine_has_a_processor_that_we_may_use) {
  const Topology topology = read_topology();
  ASSERT_GE(topology.processors.size(), 1u);
  const auto count = static_cast<uint32_t>(topology.processors.size());
  const ThreadPlan plan = plan_threads(topology, count);
  EXPECT_EQ(count, plan.threads());
  EXPECT_EQ(count, std::set(plan.processors.begin(), plan.processors.end()).size());
}

TEST(Topology, a_description_that_hwloc_does_not_know_is_refused) {
  EXPECT_EQ(ErrorKind::malformed, synthetic_topology_for_testing("cores:many").error().kind);
}

TEST(Topology, two_packages_with_a_node_each) {
  const Topology topology = machine("pack:2 numa:1 core:16 pu:2");
  ASSERT_EQ(64u, topology.processors.size());
  EXPECT_EQ(0u, topology.processors[31].node);
  EXPECT_EQ(1u, topology.processors[32].node);
  EXPECT_EQ(topology.processors[0].core, topology.processors[1].core);
  EXPECT_NE(topology.processors[1].core, topology.processors[2].core);
}

TEST(ThreadPlan, every_core_has_one_thread_before_any_has_two) {
  const Topology topology = machine("pack:2 numa:1 core:16 pu:2");
  for (uint32_t threads = 1; threads <= 32; ++threads) {
    const ThreadPlan plan = plan_threads(topology, threads);
    std::set<uint32_t> cores;
    for (const uint32_t id : plan.processors) cores.insert(topology.processors[id].core);
    EXPECT_EQ(threads, cores.size());
  }
  const ThreadPlan all = plan_threads(topology, 64);
  EXPECT_EQ(64u, std::set(all.processors.begin(), all.processors.end()).size());
}

TEST(ThreadPlan, nodes_share_threads_evenly_and_threads_of_a_node_are_neighbours) {
  const Topology topology = machine("pack:2 numa:1 core:16 pu:2");
  EXPECT_THAT(threads_per_node(plan_threads(topology, 32)), ElementsAre(16, 16));
  EXPECT_THAT(threads_per_node(plan_threads(topology, 5)), ElementsAre(3, 2));
  EXPECT_THAT(threads_per_node(plan_threads(topology, 1)), ElementsAre(1));
  const ThreadPlan plan = plan_threads(topology, 40);
  EXPECT_THAT(threads_per_node(plan), ElementsAre(20, 20));
  for (uint32_t thread = 0; thread < 40; ++thread) {
    EXPECT_EQ(thread < 20 ? 0u : 1u, topology.processors[plan.processors[thread]].node) << thread;
  }
}

TEST(ThreadPlan, four_nodes_in_one_package) {
  const ThreadPlan plan = plan_threads(machine("pack:1 numa:4 core:8 pu:1"), 30);
  EXPECT_THAT(node_numbers(plan), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(threads_per_node(plan), ElementsAre(8, 8, 7, 7));
}

TEST(ThreadPlan, processors_that_we_may_not_use_do_not_count) {
  Topology topology = machine("pack:2 numa:1 core:4 pu:2");
  // Three processors of the first package's node, on two cores; two of the other's, on two cores.
  const std::set<uint32_t> allowed = {0, 1, 2, 8, 10};
  std::erase_if(topology.processors, [&](const Processor& p) { return !allowed.contains(p.id); });
  EXPECT_THAT(plan_threads(topology, 4).processors, ElementsAre(0, 2, 8, 10));
  EXPECT_THAT(plan_threads(topology, 5).processors, ElementsAre(0, 2, 1, 8, 10));
  EXPECT_THAT(threads_per_node(plan_threads(topology, 5)), ElementsAre(3, 2));
}

TEST(ThreadPlan, more_threads_than_processors_have_no_place_of_their_own) {
  const ThreadPlan plan = plan_threads(machine("numa:2 core:2 pu:1"), 5);
  EXPECT_THAT(plan.processors, IsEmpty());
  EXPECT_EQ(5u, plan.threads());
  EXPECT_EQ(1u, plan.nodes.size());
}

TEST(NodeShare, shares_follow_each_other_and_are_in_proportion) {
  const ThreadPlan plan = plan_threads(machine("pack:2 numa:1 core:16 pu:2"), 5);
  EXPECT_EQ(0u, node_share(plan, 0, 100).begin);
  EXPECT_EQ(60u, node_share(plan, 0, 100).end);
  EXPECT_EQ(60u, node_share(plan, 1, 100).begin);
  EXPECT_EQ(100u, node_share(plan, 1, 100).end);
  for (const uint64_t count : {0u, 1u, 2u, 7u}) {
    EXPECT_EQ(node_share(plan, 0, count).end, node_share(plan, 1, count).begin);
    EXPECT_EQ(count, node_share(plan, 1, count).end);
  }
}

TEST(Placement, every_page_belongs_to_the_range_that_it_begins_in) {
  constexpr uint64_t kPage = 4096, kEnd = 10 * kPage + 100;
  const std::vector<uint64_t> cuts = {64, 65, kPage, kPage + 1, 3 * kPage + 7, 9 * kPage, kEnd};
  uint64_t next = kPage;  // the first page begins before all
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    const Span pages = pages_beginning_in({cuts[i], cuts[i + 1]}, kPage, kEnd);
    EXPECT_EQ(next, pages.begin);
    EXPECT_GE(pages.end, pages.begin);
    next = pages.end;
  }
  EXPECT_EQ(kEnd, next);
}

// On a machine with one node nothing happens; on others the memory must be usable all the same.
TEST(Placement, placed_memory_is_zero_and_can_be_written) {
  auto memory = Memory::allocate(8 << 20, "a test");
  ASSERT_TRUE(memory);
  const uint32_t node = read_topology().processors.front().node;
  place_on_node(memory->data(), 4 << 20, node);
  place_on_all_nodes(memory->data() + (4 << 20), 4 << 20);
  EXPECT_EQ(0, std::accumulate(memory->data(), memory->data() + memory->bytes(), 0));
  std::fill_n(memory->data(), memory->bytes(), uint8_t{1});
}

}  // namespace
}  // namespace sotto

// What hwloc says about the machine, and the plan that follows from it.
// SPDX-License-Identifier: Apache-2.0
#include "base/topology.h"

#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <memory>
#include <set>
#include <tuple>

#include "base/check.h"

namespace sotto {
namespace {

using Handle = std::unique_ptr<hwloc_topology, decltype(&hwloc_topology_destroy)>;

Handle load(const char* synthetic) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return {nullptr, hwloc_topology_destroy};
  Handle handle(raw, hwloc_topology_destroy);
  if (synthetic != nullptr && hwloc_topology_set_synthetic(raw, synthetic) != 0) handle.reset();
  if (handle != nullptr && hwloc_topology_load(raw) != 0) handle.reset();
  return handle;
}

// The machine's, loaded when first needed and kept: binding memory needs it again.
hwloc_topology_t machine() {
  static const Handle handle = load(nullptr);
  return handle.get();
}

std::vector<uint32_t> allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<uint32_t> processors;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) processors.push_back(cpu);
    }
  }
  if (processors.empty()) processors.push_back(0);
  return processors;
}

Processor describe(hwloc_topology_t topology, hwloc_obj_t pu) {
  const hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
  // Beside ordinary memory there may be some of another kind: the first is the ordinary one.
  const int node = hwloc_bitmap_first(pu->nodeset);
  return {pu->os_index, core != nullptr ? core->logical_index : pu->os_index,
          node >= 0 ? static_cast<uint32_t>(node) : 0};
}

void sort(Topology& topology) {
  std::ranges::sort(topology.processors, {},
                    [](const Processor& p) { return std::tuple(p.node, p.core, p.id); });
}

bool several_nodes() {
  return machine() != nullptr && hwloc_get_nbobjs_by_type(machine(), HWLOC_OBJ_NUMANODE) > 1;
}

void place(void* data, uint64_t bytes, hwloc_const_bitmap_t nodes, hwloc_membind_policy_t policy) {
  (void)hwloc_set_area_membind(machine(), data, bytes, nodes, policy, HWLOC_MEMBIND_BYNODESET);
}

// How many of `threads` each group of `sizes` gets: in proportion, what is left over going to
// the largest fractions. No group gets more than its size, for `threads` is at most their sum.
std::vector<uint32_t> apportion(const std::vector<uint32_t>& sizes, uint32_t threads) {
  uint64_t total = 0;
  for (const uint32_t size : sizes) total += size;
  std::vector<uint32_t> given;
  uint32_t left = threads;
  for (const uint32_t size : sizes) {
    given.push_back(static_cast<uint32_t>(uint64_t{threads} * size / total));
    left -= given.back();
  }
  std::vector<uint32_t> order(sizes.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](uint32_t i) {
    return std::pair(total - uint64_t{threads} * sizes[i] % total, i);
  });
  for (uint32_t i = 0; left > 0; ++i, --left) ++given[order[i]];
  return given;
}

// A node's processors in the order in which threads take them: one per core, then the siblings.
std::vector<uint32_t> cores_first(const std::vector<Processor>& processors) {
  std::vector<uint32_t> ids, siblings;
  std::set<uint32_t> cores;
  for (const Processor& processor : processors) {
    (cores.insert(processor.core).second ? ids : siblings).push_back(processor.id);
  }
  ids.insert(ids.end(), siblings.begin(), siblings.end());
  return ids;
}

}  // namespace

Topology read_topology() {
  Topology topology;
  for (const uint32_t id : allowed_processors()) {
    const hwloc_obj_t pu =
        machine() != nullptr ? hwloc_get_pu_obj_by_os_index(machine(), id) : nullptr;
    topology.processors.push_back(pu != nullptr ? describe(machine(), pu) : Processor{id, id, 0});
  }
  sort(topology);
  return topology;
}

Result<Topology> synthetic_topology_for_testing(const std::string& description) {
  const Handle handle = load(description.c_str());
  if (handle == nullptr) {
    return fail(ErrorKind::malformed, "hwloc does not understand '{}'", description);
  }
  Topology topology;
  for (hwloc_obj_t pu = nullptr;
       (pu = hwloc_get_next_obj_by_type(handle.get(), HWLOC_OBJ_PU, pu)) != nullptr;) {
    topology.processors.push_back(describe(handle.get(), pu));
  }
  sort(topology);
  return topology;
}

ThreadPlan plan_threads(const Topology& topology, uint32_t threads) {
  CHECK(threads >= 1 && !topology.processors.empty());
  if (threads > topology.processors.size()) {
    return {{}, {{topology.processors.front().node, 0, threads}}};
  }
  std::vector<std::vector<Processor>> nodes;
  for (const Processor& processor : topology.processors) {
    if (nodes.empty() || nodes.back().front().node != processor.node) nodes.emplace_back();
    nodes.back().push_back(processor);
  }
  std::vector<uint32_t> sizes;  // in cores while those are enough, else in processors
  uint32_t cores = 0;
  for (const auto& processors : nodes) {
    std::set<uint32_t> distinct;
    for (const Processor& processor : processors) distinct.insert(processor.core);
    sizes.push_back(static_cast<uint32_t>(distinct.size()));
    cores += sizes.back();
  }
  if (threads > cores) {
    for (size_t i = 0; i < nodes.size(); ++i) sizes[i] = static_cast<uint32_t>(nodes[i].size());
  }
  const std::vector<uint32_t> given = apportion(sizes, threads);
  ThreadPlan plan;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (given[i] == 0) continue;
    const auto begin = static_cast<uint32_t>(plan.processors.size());
    const std::vector<uint32_t> ids = cores_first(nodes[i]);
    plan.processors.insert(plan.processors.end(), ids.begin(), ids.begin() + given[i]);
    plan.nodes.push_back({nodes[i].front().node, begin, begin + given[i]});
  }
  return plan;
}

Span node_share(const ThreadPlan& plan, uint32_t node_index, uint64_t count) {
  const NodeThreads& node = plan.nodes[node_index];
  return {count * node.thread_begin / plan.threads(), count * node.thread_end / plan.threads()};
}

Span pages_beginning_in(const Span& bytes, uint64_t page_bytes, uint64_t end) {
  const auto up = [&](uint64_t address) {
    return std::min((address + page_bytes - 1) / page_bytes * page_bytes, end);
  };
  return {up(bytes.begin), up(bytes.end)};
}

void place_on_node(void* data, uint64_t bytes, uint32_t node) {
  if (!several_nodes() || bytes == 0) return;
  hwloc_bitmap_t nodes = hwloc_bitmap_alloc();
  hwloc_bitmap_only(nodes, node);
  place(data, bytes, nodes, HWLOC_MEMBIND_BIND);  // not strictly: another node before none
  hwloc_bitmap_free(nodes);
}

void place_on_all_nodes(void* data, uint64_t bytes) {
  if (!several_nodes() || bytes == 0) return;
  place(data, bytes, hwloc_topology_get_topology_nodeset(machine()), HWLOC_MEMBIND_INTERLEAVE);
}

}  // namespace sotto

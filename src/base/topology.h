// Processors, cores and memory nodes of a machine, and where threads and memory belong on them.
// SPDX-License-Identifier: Apache-2.0
//
// Reading the machine needs hwloc; every decision is a pure function of the description, so that
// tests decide for machines that they do not have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace sotto {

// A logical processor that this process may run on.
struct Processor {
  uint32_t id;    // the system's number for it
  uint32_t core;  // processors of one physical core have the same
  uint32_t node;  // the system's number of the memory node that is nearest
};

// Sorted by node, then core, then id; at least one.
struct Topology {
  std::vector<Processor> processors;
};

// Of the machine and this process's affinity mask now. Where hwloc cannot say, every processor is a
// core of its own and there is one node.
Topology read_topology();

// The machine that hwloc's synthetic description names, such as "pack:2 numa:1 core:16 pu:2".
Result<Topology> synthetic_topology_for_testing(const std::string& description);

// Threads [thread_begin, thread_end) run nearest to this node. Nodes follow each other, so that the
// threads of one are neighbours.
struct NodeThreads {
  uint32_t node;
  uint32_t thread_begin;
  uint32_t thread_end;
};

struct ThreadPlan {
  std::vector<uint32_t> processors;  // of each thread; empty when threads outnumber processors
  std::vector<NodeThreads> nodes;    // at least one; each has at least one thread
  uint32_t threads() const { return nodes.back().thread_end; }
};

// One thread per physical core before any core gets a second; over the nodes in proportion to their
// cores, since each node's memory adds its bandwidth. With more threads than processors nobody has
// a processor of its own, and one node is assumed.
ThreadPlan plan_threads(const Topology& topology, uint32_t threads);

// The part [begin, end) of `count` things in a row that lies nearest to one node: contiguous, in
// proportion to its threads.
struct Span {
  uint64_t begin;
  uint64_t end;
};
Span node_share(const ThreadPlan& plan, uint32_t node_index, uint64_t count);

// The pages that begin in `bytes`, both as addresses, but none beyond `end`. So of ranges that follow
// each other each page belongs to one.
Span pages_beginning_in(const Span& bytes, uint64_t page_bytes, uint64_t end);

// Asks for whole pages, which nobody has touched, to lie on a node where it has room. A refusal
// costs speed, not correctness. Nothing happens where there is one node.
void place_on_node(void* data, uint64_t bytes, uint32_t node);

// Asks for the pages to lie on all the nodes in turn.
void place_on_all_nodes(void* data, uint64_t bytes);

}  // namespace sotto

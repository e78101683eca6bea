// How fast this machine reads memory: what decoding is measured against.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/threads.h"

namespace sotto {

struct Bandwidth {
  double bytes_per_second;  // of the fastest of several passes over the whole buffer
  uint64_t buffer_bytes;
  uint64_t sum;  // of all that was read, so that no compiler may leave the reading out
};

// All threads of the pool read their own part of one buffer, many times the size of the last-level
// cache (or as much of that as the memory available allows).
Result<Bandwidth> measure_read_bandwidth(ThreadPool& pool);

// Bytes of the last-level cache; a usual size where the machine does not say.
uint64_t last_level_cache_bytes();

}  // namespace sotto

// Summing a large buffer on all threads.
// SPDX-License-Identifier: Apache-2.0
#include "base/bandwidth.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/memory.h"

namespace sotto {
namespace {

constexpr uint64_t kBufferBytesMin = 64u << 20;
constexpr uint64_t kBufferBytesMax = 4ull << 30;
constexpr uint64_t kCacheMultiple = 4;  // little of a pass can come from the cache
constexpr int kPasses = 5;
constexpr uint64_t kLine = 64;

// 64 bytes at once in whatever registers there are; two sums, so that loads and not the chain of
// additions set the pace.
using Wide = uint64_t __attribute__((vector_size(kLine), may_alias));

uint64_t sum_lines(const Wide* lines, uint64_t begin, uint64_t end) {
  Wide sums[2] = {};
  uint64_t at = begin;
  for (; at + 1 < end; at += 2) {
    sums[0] += lines[at];
    sums[1] += lines[at + 1];
  }
  if (at < end) sums[0] += lines[at];
  uint64_t sum = 0;
  for (uint64_t lane = 0; lane < kLine / sizeof(uint64_t); ++lane) {
    sum += sums[0][lane] + sums[1][lane];
  }
  return sum;
}

}  // namespace

uint64_t last_level_cache_bytes() {
  constexpr uint64_t kUsual = 32u << 20;
  for (const int name : {_SC_LEVEL4_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE}) {
    const long bytes = sysconf(name);
    if (bytes > 0) return static_cast<uint64_t>(bytes);
  }
  return kUsual;
}

Result<Bandwidth> measure_read_bandwidth(ThreadPool& pool) {
  const uint64_t wanted =
      std::clamp(kCacheMultiple * last_level_cache_bytes(), kBufferBytesMin, kBufferBytesMax);
  const uint64_t bytes = std::min(wanted, memory_available() / 2) / kLine * kLine;
  const Memory memory = TRY(Memory::allocate(bytes, "the buffer to measure bandwidth with"));
  uint64_t* const words = reinterpret_cast<uint64_t*>(memory.data());
  const uint64_t lines = bytes / kLine;
  constexpr uint64_t kWordsPerLine = kLine / sizeof(uint64_t);
  // Written by the threads that will read it, so that each part lies near its reader.
  pool.for_range(lines, 1, [&](uint64_t begin, uint64_t end) {
    for (uint64_t at = begin * kWordsPerLine; at < end * kWordsPerLine; ++at) words[at] = at;
  });

  Bandwidth best{0, bytes, 0};
  for (int pass = 0; pass < kPasses; ++pass) {
    std::atomic<uint64_t> sum{0};
    const auto start = std::chrono::steady_clock::now();
    pool.for_range(lines, 1, [&](uint64_t begin, uint64_t end) {
      const uint64_t part = sum_lines(reinterpret_cast<const Wide*>(words), begin, end);
      sum.fetch_add(part, std::memory_order_relaxed);
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best.bytes_per_second =
        std::max(best.bytes_per_second, static_cast<double>(bytes) / seconds.count());
    best.sum += sum.load();
  }
  return best;
}

}  // namespace sotto

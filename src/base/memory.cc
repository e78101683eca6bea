// Memory from the kernel, and how much of it there is.
// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

namespace sotto {
namespace {

constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();

uint64_t number_in(const char* path) {
  std::ifstream file(path);
  uint64_t value;
  return file >> value ? value : kUnknown;  // "max" is no number: no limit
}

// What files occupy in this control group's memory: the kernel takes it back when it is needed.
uint64_t file_cache_bytes() {
  std::ifstream file("/sys/fs/cgroup/memory.stat");
  std::string key;
  uint64_t value, sum = 0;
  while (file >> key >> value) {
    if (key == "active_file" || key == "inactive_file") sum += value;
  }
  return sum;
}

uint64_t system_available() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  uint64_t kilobytes;
  std::string unit;
  while (file >> key >> kilobytes && std::getline(file, unit)) {
    if (key == "MemAvailable:") return kilobytes * 1024;
  }
  return kUnknown;
}

}  // namespace

uint64_t memory_available() {
  const uint64_t limit = number_in("/sys/fs/cgroup/memory.max");
  const uint64_t used = number_in("/sys/fs/cgroup/memory.current");
  if (limit == kUnknown || used == kUnknown) return system_available();
  const uint64_t needed = used - std::min(used, file_cache_bytes());
  return std::min(limit - std::min(limit, needed), system_available());
}

Result<Memory> Memory::allocate(uint64_t bytes, const char* what) {
  const uint64_t available = memory_available();
  if (bytes > available) {
    return fail(ErrorKind::exhausted, "{} needs {} MB of memory, {} MB are available", what,
                bytes / 1'000'000 + 1, available / 1'000'000);
  }
  Memory memory;
  if (bytes == 0) return memory;
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return fail(ErrorKind::exhausted, "{} needs {} MB of memory: the system refuses", what,
                bytes / 1'000'000 + 1);
  }
  (void)madvise(data, bytes, MADV_HUGEPAGE);  // fewer misses in the address caches; not needed
  (void)madvise(data, bytes, MADV_DONTDUMP);
  memory.data_ = static_cast<uint8_t*>(data);
  memory.bytes_ = bytes;
  return memory;
}

Memory::~Memory() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

void wipe(void* data, uint64_t bytes) {
  std::memset(data, 0, bytes);
  asm volatile("" : : "r"(data) : "memory");
}

}  // namespace sotto

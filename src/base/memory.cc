// Memory from the kernel, and how much of it there is.
// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

namespace {

// A finite limit would be reached some time, and then memory is refused.
bool may_lock_any() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY) return true;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, sets) != 0) return false;
  return (sets[0].effective & (1u << CAP_IPC_LOCK)) != 0;
}

}  // namespace

Result<void> lock_memory() {
  if (!may_lock_any()) {
    return fail(ErrorKind::unsupported, "the limit of locked memory (ulimit -l) is not unlimited");
  }
  // As it is used: what is only reserved stays so.
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return {};
  return fail(ErrorKind::unsupported, "memory cannot be locked: {}", std::strerror(errno));
}

bool swap_is_on() {
  std::ifstream file("/proc/swaps");
  std::string line;
  std::getline(file, line);  // the names of its columns
  return static_cast<bool>(std::getline(file, line));
}

void wipe(void* data, uint64_t bytes) {
  std::memset(data, 0, bytes);
  asm volatile("" : : "r"(data) : "memory");
}

}  // namespace sotto

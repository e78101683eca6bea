// Large blocks of private memory, and how much of it this machine can still give.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>

#include "base/result.h"

namespace sotto {

// Zeroed, page-aligned, on huge pages where the system has them; given back on destruction.
class Memory {
 public:
  Memory() = default;
  Memory(Memory&& other) noexcept { *this = std::move(other); }
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Memory();

  // `exhausted`, naming `what` and both numbers, when the machine has not that much available.
  static Result<Memory> allocate(uint64_t bytes, const char* what);

  uint8_t* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }

 private:
  uint8_t* data_ = nullptr;
  uint64_t bytes_ = 0;
};

// Bytes that can be used without swapping: the system's own estimate, and the rest of the memory
// limit of this process's control group where one is set.
uint64_t memory_available();

// Keeps all of this process's memory out of swap, also what it will yet use. `unsupported` where the system does not
// let it: then some of it may be written to a disk, if there is swap.
Result<void> lock_memory();
bool swap_is_on();

// Overwrites with zeros in a way that the compiler may not leave out.
void wipe(void* data, uint64_t bytes);

}  // namespace sotto

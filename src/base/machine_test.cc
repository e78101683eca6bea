// Tests for what is read about the machine.
// SPDX-License-Identifier: Apache-2.0
#include "base/machine.h"

#include <gtest/gtest.h>

#include <vector>

namespace sotto {
namespace {

TEST(Machine, peak_counts_touched_memory) {
  constexpr size_t kBytes = 64 << 20;
  std::vector<char> memory(kBytes);
  // Volatile: else the compiler sees that nobody reads the memory and leaves all of it out.
  volatile char* touched = memory.data();
  for (size_t at = 0; at < kBytes; at += 4096) touched[at] = 1;
  EXPECT_GE(memory_peak_bytes(), kBytes);
}

TEST(Machine, processor_has_a_name_on_one_line) {
  EXPECT_EQ(processor_name().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace sotto

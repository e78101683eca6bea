// Tests for large blocks of memory.
// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

namespace sotto {
namespace {

constexpr uint64_t kBytes = 1 << 20;

TEST(Memory, is_zeroed_page_aligned_and_writable) {
  Result<Memory> memory = Memory::allocate(kBytes, "test");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->bytes(), kBytes);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % 4096, 0u);
  EXPECT_TRUE(
      std::all_of(memory->data(), memory->data() + kBytes, [](uint8_t b) { return b == 0; }));
  memory->data()[kBytes - 1] = 1;
}

TEST(Memory, more_than_the_machine_has_is_refused_with_its_name_and_both_numbers) {
  const Result<Memory> memory = Memory::allocate(uint64_t{1} << 60, "the cache");
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().kind, ErrorKind::exhausted);
  EXPECT_NE(memory.error().message.find("the cache needs 1152921504607 MB"), std::string::npos)
      << memory.error().message;
}

TEST(Memory, moves_without_copying) {
  Memory first = *Memory::allocate(kBytes, "test");
  const uint8_t* data = first.data();
  const Memory second = std::move(first);
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(second.bytes(), kBytes);
}

TEST(Memory, available_is_some_and_not_absurd) {
  EXPECT_GT(memory_available(), 1u << 20);
  EXPECT_LT(memory_available(), uint64_t{1} << 50);
}

// In a process of its own, which ends with 0 where what was said is so.
TEST(Memory, is_locked_where_the_system_lets_it) {
  const auto locked_and_says_so = [] {
    const bool locked = lock_memory().has_value();
    std::ifstream status("/proc/self/status");
    uint64_t kilobytes = 0;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmLck:")) kilobytes = std::stoull(line.substr(6));
    }
    return locked == (kilobytes > 1000);
  };
#ifndef SOTTO_SANITIZED  // which makes mlockall() do nothing
  EXPECT_EXIT(std::_Exit(locked_and_says_so() ? 0 : 1), testing::ExitedWithCode(0), "");
#else
  (void)locked_and_says_so;
#endif
  const auto refused_with_a_limit = [] {
    const rlimit small{1 << 16, 1 << 16};
    const bool unprivileged =
        setrlimit(RLIMIT_MEMLOCK, &small) == 0 && (geteuid() != 0 || setuid(65534) == 0);
    return !unprivileged || !lock_memory().has_value();
  };
  EXPECT_EXIT(std::_Exit(refused_with_a_limit() ? 0 : 1), testing::ExitedWithCode(0), "");
}

TEST(Memory, wipe_leaves_zeros) {
  uint8_t secret[64];
  std::fill(std::begin(secret), std::end(secret), uint8_t{7});
  wipe(secret, sizeof(secret));
  EXPECT_TRUE(std::all_of(std::begin(secret), std::end(secret), [](uint8_t b) { return b == 0; }));
}

}  // namespace
}  // namespace sotto

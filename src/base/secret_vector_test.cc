// Tests that freed memory holds nothing of what it held.
// SPDX-License-Identifier: Apache-2.0
#include "base/secret_vector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace sotto {
namespace {

// Watches one block: `freed_wiped` is set when it was given back full of zeros.
struct Watch {
  uint32_t* block = nullptr;
  size_t count = 0;
  bool freed_wiped = false;
};
Watch watch;

}  // namespace
}  // namespace sotto

// The program's own allocation, so that a test sees a block as it is when it is freed. Inlined, it
// would look to the compiler like memory of one allocator freed by another.
[[gnu::noinline]] void* operator new(size_t bytes) {
  void* block = std::malloc(bytes);
  if (block == nullptr) std::abort();
  return block;
}

[[gnu::noinline]] void operator delete(void* block) noexcept {
  using sotto::watch;
  if (block != nullptr && block == watch.block) {
    watch.freed_wiped = std::all_of(watch.block, watch.block + watch.count,
                                    [](uint32_t value) { return value == 0; });
    watch.block = nullptr;
  }
  std::free(block);
}

[[gnu::noinline]] void operator delete(void* block, size_t) noexcept {
  operator delete(block);
}

namespace sotto {
namespace {

TEST(SecretVector, wipes_what_it_frees) {
  {
    SecretVector<uint32_t> secrets(1000, 0xdeadbeef);
    watch = {secrets.data(), secrets.size(), false};
  }
  EXPECT_TRUE(watch.freed_wiped);
}

TEST(SecretVector, wipes_the_old_buffer_when_it_grows) {
  SecretVector<uint32_t> secrets(1000, 0xdeadbeef);
  watch = {secrets.data(), secrets.size(), false};
  secrets.reserve(secrets.capacity() + 1);
  EXPECT_TRUE(watch.freed_wiped);
  EXPECT_EQ(secrets, SecretVector<uint32_t>(1000, 0xdeadbeef));
}

TEST(SecretVector, moving_hands_the_buffer_on) {
  SecretVector<uint32_t> secrets(1000, 0xdeadbeef);
  watch = {secrets.data(), secrets.size(), false};
  const SecretVector<uint32_t> moved = std::move(secrets);
  EXPECT_FALSE(watch.freed_wiped);
  EXPECT_EQ(moved.data(), watch.block);
  watch = {};
}

}  // namespace
}  // namespace sotto

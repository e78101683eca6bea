// Tests that freed memory holds nothing of what it held.
// SPDX-License-Identifier: Apache-2.0
#include "base/secret_vector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace sotto {
namespace {

uint32_t freed_blocks = 0;
uint32_t freed_unwiped = 0;

// Looks at every block when it is given back.
template <class T>
struct Watching {
  T* allocate(size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* data, size_t count) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(data);
    ++freed_blocks;
    if (!std::all_of(bytes, bytes + count * sizeof(T), [](uint8_t byte) { return byte == 0; })) {
      ++freed_unwiped;
    }
    std::allocator<T>().deallocate(data, count);
  }
};

using Watched = std::vector<uint32_t, WipingAllocator<uint32_t, Watching>>;
using WatchedDeque = std::deque<uint32_t, WipingAllocator<uint32_t, Watching>>;

class SecretVectorTest : public testing::Test {
 protected:
  SecretVectorTest() { freed_blocks = freed_unwiped = 0; }
};

TEST_F(SecretVectorTest, wipes_what_it_frees) {
  {
    const Watched secrets(1000, 0xdeadbeef);
  }
  EXPECT_EQ(1u, freed_blocks);
  EXPECT_EQ(0u, freed_unwiped);
}

TEST_F(SecretVectorTest, wipes_the_old_buffer_when_it_grows) {
  Watched secrets(1000, 0xdeadbeef);
  secrets.reserve(secrets.capacity() + 1);
  EXPECT_EQ(1u, freed_blocks);
  EXPECT_EQ(0u, freed_unwiped);
  EXPECT_EQ(secrets, Watched(1000, 0xdeadbeef));
}

TEST_F(SecretVectorTest, a_deque_wipes_its_blocks_too) {
  {
    WatchedDeque secrets;
    for (uint32_t i = 0; i < 10000; ++i) secrets.push_back(0xdeadbeef);
    while (!secrets.empty()) secrets.pop_front();
  }
  EXPECT_LT(10u, freed_blocks);
  EXPECT_EQ(0u, freed_unwiped);
}

TEST_F(SecretVectorTest, moving_hands_the_buffer_on) {
  Watched secrets(1000, 0xdeadbeef);
  const uint32_t* block = secrets.data();
  const Watched moved = std::move(secrets);
  EXPECT_EQ(0u, freed_blocks);
  EXPECT_EQ(block, moved.data());
}

TEST_F(SecretVectorTest, the_watcher_sees_what_nobody_wipes) {
  Watching<uint32_t> watching;
  uint32_t* block = watching.allocate(1);
  *block = 0xdeadbeef;
  watching.deallocate(block, 1);
  EXPECT_EQ(1u, freed_unwiped);
}

}  // namespace
}  // namespace sotto

// Tests for the measurement of read bandwidth.
// SPDX-License-Identifier: Apache-2.0
#include "base/bandwidth.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

TEST(Bandwidth, reads_every_word_of_a_buffer_larger_than_the_cache) {
  ThreadPool pool(2);
  const Result<Bandwidth> measured = measure_read_bandwidth(pool);
  ASSERT_TRUE(measured);
  const Bandwidth& bandwidth = *measured;
  EXPECT_GE(bandwidth.buffer_bytes, 2 * last_level_cache_bytes());
  const uint64_t words = bandwidth.buffer_bytes / sizeof(uint64_t);
  EXPECT_EQ(bandwidth.sum, 5 * (words * (words - 1) / 2));  // five passes over 0, 1, 2, …
}

TEST(Bandwidth, is_that_of_some_memory) {
  ThreadPool pool(1);
  const Result<Bandwidth> measured = measure_read_bandwidth(pool);
  ASSERT_TRUE(measured);
  const Bandwidth& bandwidth = *measured;
  // From an emulated machine under a sanitizer to the largest server of the decade.
  EXPECT_GT(bandwidth.bytes_per_second, 1e7);
  EXPECT_LT(bandwidth.bytes_per_second, 1e14);
}

}  // namespace
}  // namespace sotto

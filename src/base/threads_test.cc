// Tests of the thread pool: every loop runs whole, once, on every thread.
// SPDX-License-Identifier: Apache-2.0
#include "base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace sotto {
namespace {

TEST(Threads, at_least_one_processor_is_available) {
  EXPECT_GE(processors_available(), 1u);
}

TEST(Threads, a_pool_of_one_runs_in_place) {
  ThreadPool pool(1);
  std::thread::id ran;
  pool.run([&](uint32_t) { ran = std::this_thread::get_id(); });
  EXPECT_EQ(pool.threads(), 1u);
  EXPECT_EQ(ran, std::this_thread::get_id());
}

TEST(Threads, run_calls_the_body_once_on_each_thread) {
  for (const uint32_t threads : {1u, 2u, 3u, 7u}) {
    ThreadPool pool(threads);
    std::vector<int> calls(threads, 0);
    pool.run([&](uint32_t thread) { ++calls[thread]; });
    EXPECT_EQ(calls, std::vector<int>(threads, 1)) << threads;
  }
}

// What a loop wrote is visible after it, and to the next loop's other threads, with no lock.
TEST(Threads, loops_in_a_row_see_each_other) {
  constexpr int kLoops = 2000;
  ThreadPool pool(3);
  std::vector<uint32_t> values(3, 0);
  for (int loop = 0; loop < kLoops; ++loop) {
    std::vector<uint32_t> next(3, 0);
    pool.run([&](uint32_t thread) { next[thread] = values[(thread + 1) % 3] + 1; });
    values = next;
  }
  EXPECT_EQ(values, std::vector<uint32_t>(3, kLoops));
}

TEST(Threads, workers_that_fell_asleep_wake_up) {
  ThreadPool pool(2);
  std::atomic<int> calls{0};
  for (int loop = 0; loop < 5; ++loop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // far beyond the time they spin
    pool.run([&](uint32_t) { ++calls; });
  }
  EXPECT_EQ(calls, 10);
}

TEST(Threads, ranges_cover_everything_once_in_whole_granules) {
  for (const uint32_t threads : {1u, 2u, 3u, 5u}) {
    ThreadPool pool(threads);
    for (const uint64_t count : {0ull, 1ull, 2ull, 7ull, 64ull, 1001ull}) {
      for (const uint64_t granule : {1ull, 2ull, 16ull, 4096ull}) {
        std::vector<int> visits(count, 0);
        std::atomic<int> ragged{0};
        pool.for_range(count, granule, [&](uint64_t begin, uint64_t end) {
          if (begin % granule != 0 || (end % granule != 0 && end != count)) ++ragged;
          for (uint64_t i = begin; i < end; ++i) ++visits[i];
        });
        EXPECT_EQ(visits, std::vector<int>(count, 1)) << threads << " " << count << " " << granule;
        EXPECT_EQ(ragged, 0) << threads << " " << count << " " << granule;
      }
    }
  }
}

}  // namespace
}  // namespace sotto

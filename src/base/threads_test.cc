// Tests of the thread pool: every loop runs whole, once, on every thread.
// SPDX-License-Identifier: Apache-2.0
#include "base/threads.h"

#include <gtest/gtest.h>
#include <sched.h>

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

TEST(Threads, chunks_run_once_each) {
  for (const uint32_t threads : {1u, 2u, 3u, 5u, 9u}) {
    ThreadPool pool(threads);
    for (const uint64_t count : {0u, 1u, 2u, 7u, 64u, 1001u}) {
      std::vector<std::atomic<int>> visits(count);
      std::atomic<int> strangers{0};
      pool.run_chunks(count, [&](uint64_t i, uint32_t thread) {
        ++visits[i];
        if (thread >= threads) ++strangers;
      });
      for (uint64_t i = 0; i < count; ++i) EXPECT_EQ(1, visits[i]) << threads << " " << i;
      EXPECT_EQ(0, strangers);
    }
  }
}

// Delays by what a counter says, so that they fall on every thread and every step.
struct Sleepy {
  ThreadPool::Step step;
  uint32_t every;
  std::chrono::microseconds time;
  std::atomic<uint32_t> calls{0};
  void operator()(ThreadPool::Step at, uint32_t thread) {
    if (at == step && thread != 0 && calls.fetch_add(1) % every == 0) {
      std::this_thread::sleep_for(time);
    }
  }
};

// The worker sleeps far longer than the test's time limit allows for, unless nobody waits for it.
TEST(Threads, a_worker_that_does_not_come_holds_nothing_up) {
  std::atomic<bool> released{false};
  const auto absent = [&](ThreadPool::Step step, uint32_t) {
    if (step == ThreadPool::Step::before_claim) released.wait(false);
  };
  const ThreadPool::Delay delay(absent);
  ThreadPool pool(3);
  pool.set_delay_for_testing(delay);
  uint64_t sum = 0;  // not atomic: the caller must do it all
  for (int loop = 0; loop < 100; ++loop) {
    pool.run_chunks(50, [&](uint64_t i, uint32_t) { sum += i; });
  }
  EXPECT_EQ(100u * 49 * 50 / 2, sum);
  released = true;
  released.notify_all();
}

// Writes squares, through memory of the thread's own, from inputs that belong to the slot. A late
// thread must not read another loop's inputs; that it then has is checked by the results, and by
// ThreadSanitizer.
class Squares : public RevocableLoop {
 public:
  Squares(uint32_t threads, std::vector<uint64_t>& out) : own_(threads), out_(out) {}
  void fill(uint64_t base) { input_.assign(64, base); }
  void compute(const Chunk& chunk) override {
    own_[chunk.thread] = 0;
    const uint64_t x = input_[chunk.share] + index(chunk);
    own_[chunk.thread] = x * x;
  }
  void commit(const Chunk& chunk) override { out_[index(chunk)] += own_[chunk.thread]; }

 private:
  static uint64_t index(const Chunk& chunk) { return chunk.share * chunk.of + chunk.index; }
  std::vector<uint64_t> own_;
  std::vector<uint64_t> input_;
  std::vector<uint64_t>& out_;
};

// Returns how many chunks were revoked.
uint64_t run_squares(uint32_t threads, Sleepy& sleepy, int loops) {
  std::vector<uint64_t> out;
  std::vector<Squares> squares;
  const ThreadPool::Delay delay(sleepy);
  ThreadPool pool(threads);
  for (uint32_t i = 0; i < pool.slots(); ++i) squares.emplace_back(threads, out);
  pool.set_delay_for_testing(delay);
  for (int loop = 0; loop < loops; ++loop) {
    const uint32_t chunks = 1 + static_cast<uint32_t>(loop) % 5;
    out.assign(threads * chunks, 0);
    const uint32_t slot = pool.free_slot();
    squares[slot].fill(static_cast<uint64_t>(loop));
    pool.run_revocable(slot, chunks, squares[slot]);
    for (uint64_t i = 0; i < out.size(); ++i) {
      EXPECT_EQ((static_cast<uint64_t>(loop) + i) * (static_cast<uint64_t>(loop) + i), out[i]);
    }
  }
  pool.wait_for_late();
  return pool.revoked();
}

TEST(Threads, revocable_loops_commit_every_chunk_once) {
  for (const uint32_t threads : {1u, 2u, 3u, 5u}) {
    Sleepy awake{ThreadPool::Step::before_compute, 1, std::chrono::microseconds(0)};
    run_squares(threads, awake, 3000);
  }
}

TEST(Threads, chunks_of_a_worker_that_stalls_are_revoked) {
  for (const ThreadPool::Step step :
       {ThreadPool::Step::before_compute, ThreadPool::Step::before_commit}) {
    for (const uint32_t threads : {2u, 3u, 5u}) {
      Sleepy sleepy{step, 3, std::chrono::milliseconds(2)};
      // Until a worker has claimed anything; on a busy machine the caller may do all for a while.
      uint64_t revoked = 0;
      while (revoked == 0) revoked = run_squares(threads, sleepy, 200);
    }
  }
}

TEST(Threads, with_every_slot_read_by_somebody_late_the_caller_waits) {
  Sleepy sleepy{ThreadPool::Step::before_commit, 1, std::chrono::milliseconds(1)};
  run_squares(40, sleepy, 50);  // 39 can be late, there are 16 slots
}

TEST(Threads, a_released_caller_may_run_where_it_might_before) {
  if (processors_available() < 2) GTEST_SKIP() << "nobody is pinned on one processor";
  cpu_set_t before, disturbed, after;
  ASSERT_EQ(0, sched_getaffinity(0, sizeof(before), &before));
  Sleepy sleepy{ThreadPool::Step::before_compute, 1, std::chrono::milliseconds(2)};
  const ThreadPool::Delay delay(sleepy);
  std::vector<uint64_t> out(4);
  ThreadPool pool(2);
  std::vector<Squares> squares;
  for (uint32_t i = 0; i < pool.slots(); ++i) squares.emplace_back(2, out);
  pool.set_delay_for_testing(delay);
  while (pool.revoked() == 0) {  // a chunk that had to be revoked is what pins the caller
    const uint32_t slot = pool.free_slot();
    squares[slot].fill(1);
    pool.run_revocable(slot, 2, squares[slot]);
  }
  ASSERT_EQ(0, sched_getaffinity(0, sizeof(disturbed), &disturbed));
  EXPECT_EQ(1, CPU_COUNT(&disturbed));
  pool.release_caller();
  ASSERT_EQ(0, sched_getaffinity(0, sizeof(after), &after));
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
  pool.wait_for_late();
}

}  // namespace
}  // namespace sotto

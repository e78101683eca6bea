// Which processor each thread of a pool runs on, and moving the caller away from a busy neighbour.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "base/topology.h"

namespace sotto {

// Workers are pinned. The thread that calls is left to the system until another program disturbs:
// a worker that loses its processor for a while is worked around, but without the caller nothing goes
// on, so the caller is pinned too, and takes the place of a worker whenever it lost its own. After a
// second of peace it is released. Used by the calling thread alone.
class Places {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Places(const ThreadPlan& plan) : processors_(plan.processors) {}
  ~Places() { release(); }
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

  void add_worker(pthread_t worker);

  // After a loop that took the caller from `start` to `end`; whether a thread was late in it.
  void loop_ended(Clock::time_point start, Clock::time_point end, bool late);

  // Lets the caller run where it might before it was pinned, if it is.
  void release();

 private:
  struct Pinned {
    std::thread::id id;
    cpu_set_t before;
  };
  bool was_preempted();
  void pin_caller();
  void swap_with_worker();

  std::vector<uint32_t> processors_;  // by thread; empty when nobody is pinned
  std::vector<pthread_t> workers_;
  uint32_t next_ = 0;  // worker to swap places with
  std::thread::id caller_;
  int64_t switches_ = 0;  // how often the caller had to leave its processor
  std::optional<Pinned> pinned_;
  Clock::time_point disturbed_{};
};

}  // namespace sotto

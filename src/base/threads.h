// A pool of workers that run one parallel loop at a time, and none of whom is waited for in vain.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>

#include "base/topology.h"

namespace sotto {

// A non-owning reference to a callable; the callable must outlive the call it is passed to.
template <class Signature>
class FunctionRef;

template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
  FunctionRef(F&& function)  // NOLINT(google-explicit-constructor): meant to be implicit
      : object_(const_cast<void*>(static_cast<const void*>(&function))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(static_cast<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, static_cast<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

// The processors this process may run on (its affinity mask), at least 1.
uint32_t processors_available();

// A loop's work is split into as many shares as there are threads, and each share into `of` chunks.
// Every chunk runs once, on `thread`: the share's own, as a rule, or one that had nothing left.
struct Chunk {
  uint32_t share;
  uint32_t index;
  uint32_t of;
  uint32_t thread;
};

// A loop whose chunks may be taken from a thread in the middle of them, because the system has
// given its processor to another program. So a chunk is computed into memory of the thread's own,
// and only whoever then wins the right to does commit it. compute() may still be running, in vain,
// when the loop has ended; what it reads must stay as it is until ThreadPool says otherwise.
class RevocableLoop {
 public:
  virtual ~RevocableLoop() = default;
  virtual void compute(const Chunk& chunk) = 0;
  virtual void commit(const Chunk& chunk) = 0;
};

// `threads` counts the caller: a pool of 1 has no workers and runs everything in place. Workers
// spin briefly for the next loop, then sleep. One thread at a time may call the functions below;
// they allocate nothing and take no lock. How it works: [docs/internals/threads.md].
class ThreadPool {
 public:
  static constexpr uint32_t kChunksMax = 63;  // of a share
  static constexpr uint32_t kSlotsMax = 16;

  explicit ThreadPool(uint32_t threads);  // where read_topology() makes plan_threads() put them
  explicit ThreadPool(const ThreadPlan& plan);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  uint32_t threads() const { return plan_.threads(); }
  const ThreadPlan& plan() const { return plan_; }  // which of them belong to which memory node

  // Calls body(index, thread) for every index below `count`. A thread that the system does not run
  // holds up nothing but the chunk that it is in.
  void run_chunks(uint64_t count, FunctionRef<void(uint64_t, uint32_t)> body);

  // The same for work that the caller has split by itself: body(chunk) for every share and for
  // every index below `chunks`, which is at most kChunksMax.
  void run_shares(uint32_t chunks, FunctionRef<void(const Chunk&)> body);

  // Splits [0, count) into contiguous ranges, one call of body(begin, end) per thread's share; a
  // range is a multiple of `granule` long, except the last.
  void for_range(uint64_t count, uint64_t granule, FunctionRef<void(uint64_t, uint64_t)> body);

  // Calls body(thread) once on each of the threads, 0 being the caller, so it waits for all of
  // them, also for one that the system does not run.
  void run(FunctionRef<void(uint32_t)> body);

  // run_shares() for a loop that may be revoked. What its compute() reads stands in the buffer that
  // belongs to `slot`: free_slot() names one, below slots(), that no late thread reads any more, and
  // waits where there is none.
  uint32_t slots() const;
  uint32_t free_slot();
  void run_revocable(uint32_t slot, uint32_t chunks, RevocableLoop& loop);
  // Waits until no thread computes in vain; then whatever compute() reads may go.
  void wait_for_late();
  uint64_t revoked() const;  // chunks, since the pool was made
  // Unpins the calling thread: whatever it starts, a thread or a process, would inherit its one
  // processor. The next loop that is disturbed may pin it again.
  void release_caller();

  // Makes threads slow: called on the thread between the steps of a chunk. `delay` must outlive the
  // pool; only before the first loop.
  enum class Step { before_claim, before_compute, before_commit };
  using Delay = FunctionRef<void(Step, uint32_t thread)>;
  void set_delay_for_testing(const Delay& delay);

 private:
  struct State;
  ThreadPlan plan_;
  std::unique_ptr<State> state_;
};

}  // namespace sotto

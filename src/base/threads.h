// A pool of pinned workers that run one parallel loop at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

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

// `threads` counts the caller: a pool of 1 has no workers and runs everything in place. Workers
// spin briefly for the next loop, then sleep. One thread at a time may call `run` or `for_range`.
class ThreadPool {
 public:
  explicit ThreadPool(uint32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  uint32_t threads() const;

  // Calls body(thread) once on each of the threads, 0 being the caller; returns when all are done.
  void run(FunctionRef<void(uint32_t)> body);

  // Splits [0, count) into contiguous ranges, one call of body(begin, end) per thread and range;
  // a thread's range is a multiple of `granule` long, except the last.
  void for_range(uint64_t count, uint64_t granule, FunctionRef<void(uint64_t, uint64_t)> body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sotto

// A pool of pinned workers: one counter announces a loop, another collects its ends.
// SPDX-License-Identifier: Apache-2.0
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/check.h"

namespace sotto {
namespace {

constexpr auto kSpin = std::chrono::microseconds(50);

// Waits until `word` differs from `seen`: spins for kSpin, since the next loop of a forward pass
// follows within microseconds, then sleeps in the kernel so that an idle program uses no processor.
uint32_t wait_for_change(const std::atomic<uint32_t>& word, uint32_t seen) {
  const auto until = std::chrono::steady_clock::now() + kSpin;
  for (uint32_t spins = 0;; ++spins) {
    const uint32_t now = word.load(std::memory_order_acquire);
    if (now != seen) return now;
    __builtin_ia32_pause();
    if (spins % 64 == 63 && std::chrono::steady_clock::now() > until) break;
  }
  word.wait(seen, std::memory_order_acquire);
  return word.load(std::memory_order_acquire);
}

std::vector<int> allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> processors;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) processors.push_back(cpu);
    }
  }
  return processors;
}

}  // namespace

uint32_t processors_available() {
  return std::max<uint32_t>(1, static_cast<uint32_t>(allowed_processors().size()));
}

struct ThreadPool::State {
  alignas(64) std::atomic<uint32_t> loop{0};     // changes when a loop (or the end) is announced
  alignas(64) std::atomic<uint32_t> running{0};  // workers that have not finished the current loop
  const FunctionRef<void(uint32_t)>* body = nullptr;
  bool stop = false;
  std::vector<std::thread> workers;
};

ThreadPool::ThreadPool(uint32_t threads) : state_(std::make_unique<State>()) {
  CHECK(threads >= 1);
  const std::vector<int> processors = allowed_processors();
  for (uint32_t index = 1; index < threads; ++index) {
    state_->workers.emplace_back([state = state_.get(), index] {
      uint32_t seen = 0;
      for (;;) {
        // Loops cannot be missed: the next is announced only after all workers ended this one.
        seen = wait_for_change(state->loop, seen);
        if (state->stop) return;
        (*state->body)(index);
        if (state->running.fetch_sub(1, std::memory_order_acq_rel) == 1)
          state->running.notify_one();
      }
    });
    if (index < processors.size()) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(static_cast<size_t>(processors[index]), &one);
      // A refused pin costs speed, not correctness.
      (void)pthread_setaffinity_np(state_->workers.back().native_handle(), sizeof(one), &one);
    }
  }
}

ThreadPool::~ThreadPool() {
  state_->stop = true;
  state_->loop.fetch_add(1, std::memory_order_release);
  state_->loop.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

uint32_t ThreadPool::threads() const {
  return static_cast<uint32_t>(state_->workers.size()) + 1;
}

void ThreadPool::run(FunctionRef<void(uint32_t)> body) {
  const uint32_t workers = static_cast<uint32_t>(state_->workers.size());
  if (workers == 0) return body(0);
  state_->body = &body;
  state_->running.store(workers, std::memory_order_relaxed);
  state_->loop.fetch_add(1, std::memory_order_release);
  state_->loop.notify_all();
  body(0);
  for (uint32_t left; (left = state_->running.load(std::memory_order_acquire)) != 0;) {
    wait_for_change(state_->running, left);
  }
}

void ThreadPool::for_range(uint64_t count, uint64_t granule,
                           FunctionRef<void(uint64_t, uint64_t)> body) {
  const uint64_t granules = (count + granule - 1) / granule;
  run([&](uint32_t thread) {
    const uint64_t begin = granules * thread / threads() * granule;
    const uint64_t end = std::min(granules * (thread + 1) / threads() * granule, count);
    if (begin < end) body(begin, end);
  });
}

}  // namespace sotto

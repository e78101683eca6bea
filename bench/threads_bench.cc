// What a loop costs that has nothing to do: announcing it, claiming its chunks, waiting for the end.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <chrono>
#include <thread>

#include "base/threads.h"

namespace sotto {
namespace {

class Nothing : public RevocableLoop {
 public:
  void compute(const Chunk&) override {}
  void commit(const Chunk&) override {}
};

void empty_loop(benchmark::State& state) {
  ThreadPool pool(static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) {
    pool.run_shares(static_cast<uint32_t>(state.range(1)), [](const Chunk&) {});
  }
}
BENCHMARK(empty_loop)->ArgNames({"threads", "chunks"})->ArgsProduct({{2}, {1, 4, 8, 32}});

void empty_revocable_loop(benchmark::State& state) {
  ThreadPool pool(static_cast<uint32_t>(state.range(0)));
  Nothing nothing;
  for (auto _ : state) {
    pool.run_revocable(pool.free_slot(), static_cast<uint32_t>(state.range(1)), nothing);
  }
}
BENCHMARK(empty_revocable_loop)->ArgNames({"threads", "chunks"})->ArgsProduct({{2}, {1, 4, 8, 32}});

// Every thread, as by ThreadPool::run.
void empty_run(benchmark::State& state) {
  ThreadPool pool(static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) pool.run([](uint32_t) {});
}
BENCHMARK(empty_run)->ArgName("threads")->Arg(2);

// After a pause in which the workers have gone to sleep.
void waking_run(benchmark::State& state) {
  ThreadPool pool(static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) {
    std::this_thread::sleep_for(std::chrono::microseconds(500));
    const auto start = std::chrono::steady_clock::now();
    pool.run([](uint32_t) {});
    state.SetIterationTime(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
}
BENCHMARK(waking_run)->ArgName("threads")->Arg(2)->UseManualTime();

}  // namespace
}  // namespace sotto

BENCHMARK_MAIN();

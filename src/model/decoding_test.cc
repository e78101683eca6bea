// Tests of the token loop: it allocates nothing, and stalling threads change none of its bits.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "model/model.h"

namespace {

std::atomic<uint64_t> allocations{0};

}  // namespace

#ifndef SOTTO_SANITIZED
namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The whole program's; the other forms of new and delete call these.
void* operator new(std::size_t bytes) {
  return allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
#endif

namespace sotto::model {
namespace {

const std::filesystem::path kDemo = std::filesystem::path(SOTTO_SOURCE_DIR) / "models/demo.gguf";

// Greedily from a fixed prompt over the end of the first page; the logits of every step.
struct Decoded {
  std::vector<float> logits;
  uint64_t allocations = 0;
};

Decoded decode(ThreadPool& pool, uint32_t steps) {
  auto source = gguf::Source::open(kDemo);
  auto model = Model::load(*source, {.batch_tokens_max = 128, .logit_rows_max = 1}, pool, {});
  EXPECT_TRUE(model) << model.error().message;
  auto cache = KvCache::create((*model)->kv_layout(KvType::F16), 256);
  Sequence sequence = std::move(*(*cache)->reserve(256));
  std::vector<TokenId> tokens(120);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<TokenId>(i * 7 % 1000);
  Decoded decoded;
  decoded.logits.reserve(uint64_t{steps + 1} * (*model)->shape().vocabulary);
  for (uint32_t step = 0; step <= steps; ++step) {
    const BatchPart part{&sequence, tokens, Want::last};
    const uint64_t before = allocations.load();
    const Result<Logits> logits = (*model)->forward({&part, 1});
    if (step > 0) decoded.allocations += allocations.load() - before;
    EXPECT_TRUE(logits) << logits.error().message;
    const std::span<const float> row = logits->row(0);
    decoded.logits.insert(decoded.logits.end(), row.begin(), row.end());
    tokens.assign(1, static_cast<TokenId>(std::ranges::max_element(row) - row.begin()));
  }
  return decoded;
}

#ifndef SOTTO_SANITIZED
TEST(Decoding, a_step_allocates_nothing) {
  for (const uint32_t threads : {1u, 2u, 3u}) {
    ThreadPool pool(threads);
    EXPECT_EQ(0u, decode(pool, 30).allocations) << threads;
  }
  EXPECT_GT(allocations.load(), 0u);  // they are counted
}
#endif

TEST(Decoding, threads_that_stall_change_no_bit) {
  ThreadPool alone(1);
  const std::vector<float> expected = decode(alone, 30).logits;
  for (const uint32_t threads : {2u, 3u, 5u}) {
    std::atomic<uint32_t> calls{0};
    const auto stall = [&](ThreadPool::Step, uint32_t thread) {
      if (thread != 0 && calls.fetch_add(1) % 50 == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    };
    const ThreadPool::Delay delay(stall);
    ThreadPool pool(threads);
    pool.set_delay_for_testing(delay);
    const std::vector<float> logits = decode(pool, 30).logits;
    ASSERT_EQ(expected.size(), logits.size());
    EXPECT_EQ(0, std::memcmp(expected.data(), logits.data(), logits.size() * sizeof(float)))
        << threads;
  }
}

}  // namespace
}  // namespace sotto::model

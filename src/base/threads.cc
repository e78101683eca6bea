// A pool of workers: one word announces a loop, and each share of it has words of its own, by which
// chunks are claimed, stolen, revoked and finished. Why so: docs/internals/threads.md.
// SPDX-License-Identifier: Apache-2.0
#include "base/threads.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/places.h"

namespace sotto {
namespace {

using Clock = std::chrono::steady_clock;

// The next loop of a forward pass follows within microseconds; an idle program should sleep.
constexpr auto kSpin = std::chrono::microseconds(50);
// How much longer than a chunk takes the caller waits for one before it computes it itself.
constexpr auto kPatience = std::chrono::microseconds(20);

// Loops are numbered from 1 and never again: 2^48 of them last for centuries. What belongs to an
// older loop counts as not yet begun, so nothing has to be reset between loops.
struct Announcement {
  uint64_t epoch;
  uint32_t slot;
  uint32_t chunks;  // of each share
  bool fixed;       // each share for its own thread only

  uint64_t word() const {
    return epoch << 16 | uint64_t{slot} << 8 | uint64_t{fixed} << 7 | chunks;
  }
  static Announcement of(uint64_t word) {
    return {word >> 16, static_cast<uint32_t>(word >> 8 & 0xff), static_cast<uint32_t>(word & 0x7f),
            (word & 0x80) != 0};
  }
};

enum ChunkState : uint64_t { kCommitting = 1, kDone = 2 };  // none of this epoch: open

// On cache lines of its own: while all goes well only its own thread writes it.
struct alignas(64) Share {
  std::atomic<uint64_t> taken{0};  // epoch << 8 | chunks that were claimed
  std::array<std::atomic<uint64_t>, ThreadPool::kChunksMax> states{};  // epoch << 2 | ChunkState
};

// What the threads are to do. Written again only when nobody can read it any more: when every chunk
// is done and every thread that a chunk was taken from has come back.
struct alignas(64) Slot {
  const FunctionRef<void(const Chunk&)>* body = nullptr;
  RevocableLoop* loop = nullptr;  // instead of body
  alignas(64) std::atomic<uint32_t> late{0};
};

std::vector<uint32_t> allowed_processors() {
  std::vector<uint32_t> ids;
  for (const Processor& processor : read_topology().processors) ids.push_back(processor.id);
  return ids;
}

// One turn of waiting. When it takes long (some 100 us), it lets others run: perhaps the very thread
// that is waited for. Not sooner, for that may give a whole time slice to a stranger.
void pause(uint32_t turn) {
  __builtin_ia32_pause();
  if (turn > 5000) std::this_thread::yield();
}

template <class Condition>
void wait_until(Condition condition) {
  for (uint32_t turn = 0; !condition(); ++turn) pause(turn);
}

}  // namespace

uint32_t processors_available() {
  return static_cast<uint32_t>(allowed_processors().size());
}

struct ThreadPool::State {
  explicit State(const ThreadPlan& plan)
      : threads(plan.threads()),
        shares(threads),
        slots(std::min(threads, kSlotsMax)),
        places(plan) {}

  void loop_of_worker(uint32_t thread);
  uint64_t next_announcement(uint64_t seen);
  void sleep(uint64_t seen);
  void wake_two();
  void announce(const Announcement& announcement);
  uint32_t work(uint32_t thread, const Announcement& now);
  uint32_t take_from(uint32_t share, uint32_t thread, const Announcement& now);
  void run_chunk(const Chunk& chunk, const Announcement& now);
  void run_loop(Announcement now);
  bool revoke(const Chunk& chunk, const Announcement& now);
  void join(const Announcement& now, Clock::duration patience);
  bool is_done(uint32_t share, uint32_t chunk, const Announcement& now) const;
  void delay_for_testing(Step step, uint32_t thread) const;

  const uint32_t threads;
  uint64_t epoch = 0;  // the caller's
  uint64_t revoked = 0;
  std::atomic<const Delay*> delay{nullptr};
  std::vector<Share> shares;
  std::vector<Slot> slots;
  Places places;
  alignas(64) std::atomic<uint64_t> announced{0};
  alignas(64) std::atomic<uint32_t> sleepers{0};
  std::atomic<uint32_t> wakeups{0};  // what sleepers sleep on
  alignas(64) std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
};

void ThreadPool::State::delay_for_testing(Step step, uint32_t thread) const {
  if (const Delay* function = delay.load(std::memory_order_acquire)) (*function)(step, thread);
}

// A worker counts itself in before it looks a last time; the caller announces before it looks for
// sleepers. In the one order of all these, one of the two sees the other.
void ThreadPool::State::sleep(uint64_t seen) {
  const uint32_t before = wakeups.load(std::memory_order_seq_cst);
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  if (announced.load(std::memory_order_seq_cst) == seen) {
    wakeups.wait(before, std::memory_order_seq_cst);
  }
  sleepers.fetch_sub(1, std::memory_order_seq_cst);
  // Waking is work in the kernel: who is awake wakes two more, so the caller need not wake them all.
  if (sleepers.load(std::memory_order_seq_cst) != 0) wake_two();
}

void ThreadPool::State::wake_two() {
  wakeups.notify_one();
  wakeups.notify_one();
}

void ThreadPool::State::announce(const Announcement& announcement) {
  announced.store(announcement.word(), std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) == 0) return;
  wakeups.fetch_add(1, std::memory_order_seq_cst);
  wake_two();
}

uint64_t ThreadPool::State::next_announcement(uint64_t seen) {
  const auto until = Clock::now() + kSpin;
  for (uint32_t spins = 0;; ++spins) {
    const uint64_t now = announced.load(std::memory_order_acquire);
    if (now != seen) return now;
    __builtin_ia32_pause();
    if (spins % 64 == 63 && Clock::now() > until) break;
  }
  while (announced.load(std::memory_order_acquire) == seen) sleep(seen);
  return announced.load(std::memory_order_acquire);
}

void ThreadPool::State::loop_of_worker(uint32_t thread) {
  for (uint64_t seen = 0;;) {
    seen = next_announcement(seen);
    if (stop.load(std::memory_order_relaxed)) return;
    delay_for_testing(Step::before_claim, thread);
    // By now the loop may have ended: then all its chunks are taken, and nothing of it is looked at.
    work(thread, Announcement::of(seen));
  }
}

// Own share first, it lies nearest; then those of the threads whose numbers differ in one bit, so
// that each share has a few helpers and nobody looks at all. Only the caller does, since it must not
// leave anything to a thread that may be asleep. Returns the number of chunks it ran.
uint32_t ThreadPool::State::work(uint32_t thread, const Announcement& now) {
  uint32_t ran = take_from(thread, thread, now);
  if (now.fixed) return ran;
  for (uint32_t bit = 1; bit < threads; bit *= 2) {
    if ((thread ^ bit) < threads) ran += take_from(thread ^ bit, thread, now);
  }
  for (uint32_t share = 1; thread == 0 && share < threads; ++share) {
    ran += take_from(share, thread, now);
  }
  return ran;
}

uint32_t ThreadPool::State::take_from(uint32_t share, uint32_t thread, const Announcement& now) {
  std::atomic<uint64_t>& taken = shares[share].taken;
  uint32_t ran = 0;
  for (uint64_t seen = taken.load(std::memory_order_relaxed);;) {
    if (seen >> 8 > now.epoch) return ran;
    const uint32_t index = seen >> 8 == now.epoch ? static_cast<uint32_t>(seen & 0xff) : 0;
    if (index >= now.chunks) return ran;
    const uint64_t next = now.epoch << 8 | (index + 1);
    if (!taken.compare_exchange_weak(seen, next, std::memory_order_relaxed)) continue;
    seen = next;
    run_chunk({share, index, now.chunks, thread}, now);
    ++ran;
  }
}

void ThreadPool::State::run_chunk(const Chunk& chunk, const Announcement& now) {
  delay_for_testing(Step::before_compute, chunk.thread);
  Slot& slot = slots[now.slot];
  std::atomic<uint64_t>& state = shares[chunk.share].states[chunk.index];
  if (slot.loop == nullptr) {
    (*slot.body)(chunk);
  } else {
    slot.loop->compute(chunk);
    delay_for_testing(Step::before_commit, chunk.thread);
    uint64_t seen = state.load(std::memory_order_relaxed);
    if (seen >> 2 >= now.epoch || !state.compare_exchange_strong(seen, now.epoch << 2 | kCommitting,
                                                                 std::memory_order_relaxed)) {
      slot.late.fetch_sub(1, std::memory_order_release);  // from here on nothing of it is read
      return;
    }
    slot.loop->commit(chunk);
  }
  state.store(now.epoch << 2 | kDone, std::memory_order_release);
}

bool ThreadPool::State::is_done(uint32_t share, uint32_t chunk, const Announcement& now) const {
  return shares[share].states[chunk].load(std::memory_order_acquire) == (now.epoch << 2 | kDone);
}

// Computes a chunk that another thread has claimed, if that has not come as far as committing it.
bool ThreadPool::State::revoke(const Chunk& chunk, const Announcement& now) {
  Slot& slot = slots[now.slot];
  std::atomic<uint64_t>& state = shares[chunk.share].states[chunk.index];
  uint64_t seen = state.load(std::memory_order_relaxed);
  if (seen >> 2 == now.epoch) return false;
  slot.late.fetch_add(1, std::memory_order_relaxed);  // before its thread can count it down
  if (!state.compare_exchange_strong(seen, now.epoch << 2 | kCommitting,
                                     std::memory_order_relaxed)) {
    slot.late.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  ++revoked;
  slot.loop->compute(chunk);
  slot.loop->commit(chunk);
  state.store(now.epoch << 2 | kDone, std::memory_order_relaxed);
  return true;
}

// Every chunk is taken; waits for those that others have.
void ThreadPool::State::join(const Announcement& now, Clock::duration patience) {
  const bool revocable = slots[now.slot].loop != nullptr;
  Clock::time_point until{};
  for (uint32_t share = 0; share < threads; ++share) {
    for (uint32_t index = 0; index < now.chunks; ++index) {
      for (uint32_t turn = 0; !is_done(share, index, now); ++turn) {
        pause(turn);
        if (!revocable || turn % 32 != 31) continue;
        if (until == Clock::time_point{}) until = Clock::now() + patience;
        if (Clock::now() > until && revoke({share, index, now.chunks, 0}, now)) break;
      }
    }
  }
}

void ThreadPool::State::run_loop(Announcement now) {
  now.epoch = ++epoch;
  const uint64_t revoked_before = revoked;
  const auto start = Clock::now();
  announce(now);
  const uint32_t ran = work(0, now);
  const auto end = Clock::now();
  join(now, (end - start) / std::max(ran, 1u) + kPatience);
  places.loop_ended(start, end, revoked != revoked_before);
}

ThreadPool::ThreadPool(uint32_t threads) : ThreadPool(plan_threads(read_topology(), threads)) {}

ThreadPool::ThreadPool(const ThreadPlan& plan)
    : plan_(plan), state_(std::make_unique<State>(plan_)) {
  for (uint32_t index = 1; index < threads(); ++index) {
    state_->workers.emplace_back([state = state_.get(), index] { state->loop_of_worker(index); });
    state_->places.add_worker(state_->workers.back().native_handle());
  }
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true, std::memory_order_relaxed);
  state_->announce({.epoch = ++state_->epoch, .slot = 0, .chunks = 0, .fixed = true});
  state_->wakeups.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

uint32_t ThreadPool::slots() const {
  return static_cast<uint32_t>(state_->slots.size());
}
uint64_t ThreadPool::revoked() const {
  return state_->revoked;
}

uint32_t ThreadPool::free_slot() {
  uint32_t slot = 0;
  wait_until([&] {
    const auto is_free = [](const Slot& one) {
      return one.late.load(std::memory_order_acquire) == 0;
    };
    slot =
        static_cast<uint32_t>(std::ranges::find_if(state_->slots, is_free) - state_->slots.begin());
    return slot < slots();
  });
  return slot;
}

void ThreadPool::wait_for_late() {
  for (const Slot& slot : state_->slots) {
    wait_until([&] { return slot.late.load(std::memory_order_acquire) == 0; });
  }
}

void ThreadPool::release_caller() {
  state_->places.release();
}

void ThreadPool::run_revocable(uint32_t slot, uint32_t chunks, RevocableLoop& loop) {
  CHECK(chunks >= 1 && chunks <= kChunksMax && slot < slots());
  CHECK(state_->slots[slot].late.load(std::memory_order_acquire) == 0);
  state_->slots[slot].body = nullptr;
  state_->slots[slot].loop = &loop;
  state_->run_loop({.epoch = 0, .slot = slot, .chunks = chunks, .fixed = false});
}

void ThreadPool::run_shares(uint32_t chunks, FunctionRef<void(const Chunk&)> body) {
  CHECK(chunks >= 1 && chunks <= kChunksMax);
  const uint32_t slot = free_slot();
  state_->slots[slot].body = &body;
  state_->slots[slot].loop = nullptr;
  state_->run_loop({.epoch = 0, .slot = slot, .chunks = chunks, .fixed = false});
}

void ThreadPool::run_chunks(uint64_t count, FunctionRef<void(uint64_t, uint32_t)> body) {
  const uint64_t shares = threads();
  if (shares == 1 || count <= 1) {
    for (uint64_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  const auto chunks =
      static_cast<uint32_t>(std::min<uint64_t>((count + shares - 1) / shares, kChunksMax));
  run_shares(chunks, [&](const Chunk& chunk) {
    const uint64_t begin = count * chunk.share / shares;
    const uint64_t size = count * (chunk.share + 1) / shares - begin;
    const uint64_t end = begin + size * (chunk.index + 1) / chunk.of;
    for (uint64_t i = begin + size * chunk.index / chunk.of; i < end; ++i) body(i, chunk.thread);
  });
}

void ThreadPool::for_range(uint64_t count, uint64_t granule,
                           FunctionRef<void(uint64_t, uint64_t)> body) {
  const uint64_t granules = (count + granule - 1) / granule;
  run_chunks(threads(), [&](uint64_t share, uint32_t) {
    const uint64_t begin = granules * share / threads() * granule;
    const uint64_t end = std::min(granules * (share + 1) / threads() * granule, count);
    if (begin < end) body(begin, end);
  });
}

void ThreadPool::run(FunctionRef<void(uint32_t)> body) {
  const auto on_thread = [&](const Chunk& chunk) { body(chunk.thread); };
  const FunctionRef<void(const Chunk&)> reference(on_thread);
  const uint32_t slot = free_slot();
  state_->slots[slot].body = &reference;
  state_->slots[slot].loop = nullptr;
  state_->run_loop({.epoch = 0, .slot = slot, .chunks = 1, .fixed = true});
}

void ThreadPool::set_delay_for_testing(const Delay& delay) {
  state_->delay.store(&delay, std::memory_order_release);
}

}  // namespace sotto

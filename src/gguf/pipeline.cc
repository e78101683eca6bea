// The scheduler of the load pipeline: any idle thread takes the oldest work that may run now.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/pipeline.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <thread>

#include "base/check.h"

namespace sotto::gguf {
namespace {

// Enough for every stage to be a chunk or two apart, few enough to stay in the last-level cache.
constexpr uint64_t kSlotsMax = 8;
// So that a thread that ends one chunk finds the next: waking it would cost more than its wait.
constexpr uint64_t kReadAhead = 2;
constexpr size_t kReader = 0;

}  // namespace

Pipeline::Pipeline(ChunkPlan plan, Read read, std::vector<Stage> stages, uint64_t buffer_bytes_max)
    : plan_(std::move(plan)),
      read_(std::move(read)),
      stages_(std::move(stages)),
      slots_(std::clamp<uint64_t>(buffer_bytes_max / plan_.chunk_bytes_max(), 1, kSlotsMax)),
      lanes_(1 + stages_.size()) {
  CHECK(plan_.chunk_bytes_max() <= buffer_bytes_max && !stages_.empty());
}

uint64_t Pipeline::oldest() const {
  return std::ranges::min(lanes_, {}, &Lane::done).done;
}

bool Pipeline::finished() const {
  return error_.has_value() || (all_read_ && oldest() == lanes_[kReader].done);
}

// Reading, if too few chunks wait for the stage that is furthest ahead; else the idle stage that is
// furthest behind, so that few chunks are in flight and they are still cached when used.
std::optional<size_t> Pipeline::pick() const {
  const uint64_t read = lanes_[kReader].done;
  uint64_t furthest = 0;
  std::optional<size_t> best;
  for (size_t lane = 1; lane < lanes_.size(); ++lane) {
    furthest = std::max(furthest, lanes_[lane].done);
    if (lanes_[lane].busy || lanes_[lane].done == read) continue;
    if (!best || lanes_[lane].done < lanes_[*best].done) best = lane;
  }
  const bool can_read = !all_read_ && !lanes_[kReader].busy && read - oldest() < slots_.size();
  if (can_read && (!best || read - furthest < kReadAhead)) return kReader;
  return best;
}

// Whether there was a chunk: only reading finds the end.
Result<bool> Pipeline::run_lane(size_t lane, Slot& slot) {
  if (lane != kReader) {
    TRY(stages_[lane - 1](slot.chunk, slot.bytes));
    return true;
  }
  if (!plan_.next(slot.chunk)) return false;
  if (!slot.buffer) {
    slot.buffer = std::make_unique_for_overwrite<uint8_t[]>(plan_.chunk_bytes_max());
  }
  slot.bytes = TRY(read_(slot.chunk, std::span(slot.buffer.get(), slot.chunk.bytes)));
  return true;
}

void Pipeline::stop(Error error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  changed_.notify_all();
}

void Pipeline::work() {
  std::unique_lock lock(mutex_);
  while (!finished()) {
    const std::optional<size_t> lane = pick();
    if (!lane) {
      changed_.wait(lock);
      continue;
    }
    lanes_[*lane].busy = true;
    // A stage that waits for this chunk cannot touch its slot, and reading cannot reuse it yet.
    Slot& slot = slots_[lanes_[*lane].done % slots_.size()];
    lock.unlock();
    Result<bool> ran = run_lane(*lane, slot);
    lock.lock();
    lanes_[*lane].busy = false;
    if (!ran) {
      if (!error_) error_ = std::move(ran).error();
    } else if (*ran) {
      ++lanes_[*lane].done;
    } else {
      all_read_ = true;
    }
    changed_.notify_all();
  }
}

Result<void> Pipeline::run(uint32_t threads) {
  const auto guarded_work = [this] {
    try {
      work();
    } catch (const std::bad_alloc&) {
      stop({ErrorKind::exhausted, "out of memory while reading the model"});
    } catch (const std::exception& error) {
      stop({ErrorKind::internal, fmt::format("while reading the model: {}", error.what())});
    }
  };
  std::vector<std::jthread> helpers;
  // No more than there are lanes can be busy at once.
  for (uint64_t i = 1; i < std::min<uint64_t>(threads, lanes_.size()); ++i) {
    try {
      helpers.emplace_back(guarded_work);
    } catch (const std::system_error&) {
      break;  // fewer threads do the same, slower
    }
  }
  guarded_work();
  helpers.clear();  // joins
  if (error_) return std::unexpected(std::move(*error_));
  return {};
}

}  // namespace sotto::gguf

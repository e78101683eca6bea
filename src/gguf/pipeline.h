// Reads chunks of a model's files and runs their consumers on several threads, each consumer in the
// order of the chunks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "gguf/chunks.h"

namespace sotto::gguf {

// One step that every chunk goes through. A stage sees the chunks in order, one at a time, but on
// changing threads; different stages run at the same time.
using Stage = std::function<Result<void>(const Chunk& chunk, Bytes bytes)>;

class Pipeline {
 public:
  // Fills `buffer` with the chunk and returns it, or returns the chunk's bytes where they lie.
  using Read = std::function<Result<Bytes>(const Chunk& chunk, std::span<uint8_t> buffer)>;

  // `buffer_bytes_max` bounds the memory of all buffers together; at least one chunk must fit.
  Pipeline(ChunkPlan plan, Read read, std::vector<Stage> stages, uint64_t buffer_bytes_max);

  // Runs all chunks through all stages on `threads` threads, the caller's among them. The first
  // error stops everything. Once only.
  Result<void> run(uint32_t threads);

 private:
  // A chunk between reading and its last stage.
  struct Slot {
    Chunk chunk;
    Bytes bytes;
    std::unique_ptr<uint8_t[]> buffer;
  };
  // Progress of the reader or of a stage: chunks [0, done) are finished with.
  struct Lane {
    uint64_t done = 0;
    bool busy = false;
  };

  void work();
  std::optional<size_t> pick() const;
  bool finished() const;
  uint64_t oldest() const;
  Result<bool> run_lane(size_t lane, Slot& slot);
  void stop(Error error);

  ChunkPlan plan_;
  Read read_;
  std::vector<Stage> stages_;
  std::vector<Slot> slots_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::vector<Lane> lanes_;  // [0] reads, [1 + i] is stages_[i]
  bool all_read_ = false;
  std::optional<Error> error_;
};

}  // namespace sotto::gguf

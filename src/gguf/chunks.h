// In which pieces a model is read: every byte of every file once, in order, tensors cut only where
// their consumer allows it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "gguf/file.h"

namespace sotto::gguf {

// A part of a tensor inside a chunk.
struct Piece {
  uint32_t tensor;  // index into Description::tensors
  uint64_t tensor_offset;
  uint64_t chunk_offset;
  uint64_t bytes;
};

// A part of a file that is read in one go.
struct Chunk {
  uint32_t file = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::vector<Piece> pieces;
};

class ChunkPlan {
 public:
  // `granules` has for each tensor the multiple of bytes at which it may be cut. Borrows both.
  ChunkPlan(const Description& description, const std::vector<uint64_t>& granules,
            uint64_t chunk_bytes);

  // The next chunk; false after the last. Chunks are made one at a time, so that a plan needs no
  // memory that grows with the files.
  bool next(Chunk& chunk);

  // No chunk is larger.
  uint64_t chunk_bytes_max() const { return chunk_bytes_max_; }

 private:
  bool add_tensor(Chunk& chunk, uint32_t index) const;

  const Description& description_;
  const std::vector<uint64_t>& granules_;
  uint64_t chunk_bytes_;
  uint64_t chunk_bytes_max_;
  std::vector<uint32_t> by_place_;  // tensors by file and offset
  size_t tensor_ = 0;               // in by_place_: the first not planned to its end
  uint32_t file_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace sotto::gguf

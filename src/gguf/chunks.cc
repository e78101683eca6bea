// Cutting files into chunks.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/chunks.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace sotto::gguf {

ChunkPlan::ChunkPlan(const Description& description, const std::vector<uint64_t>& granules,
                     uint64_t chunk_bytes)
    : description_(description),
      granules_(granules),
      chunk_bytes_(chunk_bytes),
      chunk_bytes_max_(chunk_bytes),
      by_place_(description.tensors.size()) {
  CHECK(granules.size() == description.tensors.size());
  for (size_t i = 0; i < granules.size(); ++i) {
    CHECK(granules[i] >= 1);
    chunk_bytes_max_ =
        std::max(chunk_bytes_max_, std::min(granules[i], description.tensors[i].bytes));
  }
  std::iota(by_place_.begin(), by_place_.end(), 0);
  std::ranges::sort(by_place_, {}, [&](uint32_t index) {
    return std::pair(description.tensors[index].file, description.tensors[index].offset);
  });
}

// Appends as much of the tensor as fits; whether that was all that was left of it.
bool ChunkPlan::add_tensor(Chunk& chunk, uint32_t index) const {
  const TensorInfo& tensor = description_.tensors[index];
  const uint64_t begin = std::max(tensor.offset, chunk.offset + chunk.bytes);
  const uint64_t left = tensor.offset + tensor.bytes - begin;
  const uint64_t room = chunk.offset + chunk_bytes_ - begin;
  uint64_t bytes = left;
  if (left > room) bytes = room / granules_[index] * granules_[index];
  // A granule larger than a chunk makes a chunk of its own.
  if (bytes == 0 && begin == chunk.offset) bytes = std::min(left, granules_[index]);
  chunk.bytes = begin + bytes - chunk.offset;
  if (bytes != 0) {
    chunk.pieces.push_back({index, begin - tensor.offset, begin - chunk.offset, bytes});
  }
  return bytes == left;
}

bool ChunkPlan::next(Chunk& chunk) {
  if (file_ < description_.files.size() && offset_ == description_.files[file_].bytes) {
    ++file_;
    offset_ = 0;
  }
  if (file_ == description_.files.size()) return false;
  chunk.file = file_;
  chunk.offset = offset_;
  chunk.bytes = 0;
  chunk.pieces.clear();
  const uint64_t end = offset_ + std::min(chunk_bytes_, description_.files[file_].bytes - offset_);
  for (;;) {
    const bool more = tensor_ < by_place_.size() &&
                      description_.tensors[by_place_[tensor_]].file == file_ &&
                      description_.tensors[by_place_[tensor_]].offset < end;
    if (!more) {
      // Only header or padding is left up to the end of this chunk.
      chunk.bytes = std::max(chunk.bytes, end - chunk.offset);
      break;
    }
    if (!add_tensor(chunk, by_place_[tensor_])) break;
    ++tensor_;
  }
  offset_ += chunk.bytes;
  return true;
}

}  // namespace sotto::gguf

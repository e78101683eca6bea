// A model file on disk, read with explicit offsets and checked to stay the size it was.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "base/result.h"

namespace sotto::gguf {

// Open for as long as it lives; movable. Reads may come from several threads at once.
class DiskFile {
 public:
  // `unavailable` when it cannot be opened or is not a regular file.
  static Result<DiskFile> open(const std::filesystem::path& path);
  DiskFile(DiskFile&& other) noexcept;
  DiskFile& operator=(DiskFile&& other) noexcept;
  ~DiskFile();

  uint64_t bytes() const { return bytes_; }

  // Fills all of `into` from `offset`. A file that ends earlier than it did when it was opened is
  // an error, as is the disk's own.
  Result<void> read_at(uint64_t offset, std::span<uint8_t> into) const;

  // Tells the kernel to read ahead generously, since the whole file will be read in order.
  void expect_sequential_reading() const;

 private:
  DiskFile(int descriptor, uint64_t bytes, std::string path)
      : descriptor_(descriptor), bytes_(bytes), path_(std::move(path)) {}
  int descriptor_;
  uint64_t bytes_;
  std::string path_;  // for messages
};

}  // namespace sotto::gguf

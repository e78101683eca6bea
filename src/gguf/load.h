// Reading a model once, hashing it on the way, into memory that its consumer owns.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "base/threads.h"
#include "gguf/file.h"

namespace sotto::gguf {

using Digest = std::array<uint8_t, 32>;
std::string to_hex(const Digest& digest);

// [docs/protocols/model-identity.md]
struct ModelIdentity {
  std::vector<Digest> file_sha256;  // one per file
  Digest model_root;
};

// Receives tensor data while it is read. Calls for one tensor come in ascending order and never two
// at once; calls for different tensors may come from different threads at the same time.
class TensorSink {
 public:
  virtual ~TensorSink() = default;
  // Pieces of this tensor start at multiples of, and (but for the last) are multiples of, this many
  // bytes. At least 1; at most 64 MiB, else loading is refused.
  virtual uint64_t granule_bytes(const TensorInfo& tensor) = 0;
  virtual Result<void> take(const TensorInfo& tensor, uint64_t offset, Bytes bytes) = 0;
};

// A description together with the bytes behind it: files on disk, or one file held in memory (the
// bundled model). Memory is borrowed and must outlive the source.
class Source {
 public:
  static Result<Source> open(const std::filesystem::path& path);
  static Result<Source> from_memory(Bytes file);

  const Description& description() const { return description_; }

  // Reads every byte of every file exactly once, in order; hashes files and tensors; hands tensor
  // data to `sink` (nullptr: hash only). Memory in use beyond the sink's is bounded by 64 MiB per
  // thread. Uses at most `threads` threads of its own, which end before it returns.
  Result<ModelIdentity> read(TensorSink* sink, uint32_t threads, const Progress& progress) const;

 private:
  Description description_;
  Bytes memory_;  // empty when the files are on disk
};

}  // namespace sotto::gguf

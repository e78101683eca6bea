// Reading a model once, hashing it on the way, into memory that its consumer owns.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "crypto/sha256.h"
#include "gguf/file.h"

namespace sotto::gguf {

using Digest = crypto::Sha256Digest;
std::string to_hex(const Digest& digest);

// [model-identity]
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
  // bytes. At least 1; at most 64 MiB, else loading is refused. Asked once, before any data.
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
  // thread. Works on at most `threads` threads, the caller's among them; those it starts have ended
  // when it returns. A file that is no longer what was described is `untrusted`. The first error,
  // the sink's too, stops everything; what the sink was given by then is worth nothing.
  // `progress` counts bytes and is called a last time with done == total, also after an error, so
  // that whoever shows it can clear it away.
  Result<ModelIdentity> read(TensorSink* sink, uint32_t threads, const Progress& progress) const;

 private:
  Source(Description description, Bytes memory)
      : description_(std::move(description)), memory_(memory) {}
  Description description_;
  Bytes memory_;  // empty when the files are on disk
};

}  // namespace sotto::gguf

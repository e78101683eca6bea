// Reading a model: one pass over its files that hashes them, hashes their tensors, and delivers.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "gguf/disk.h"
#include "gguf/identity.h"
#include "gguf/pipeline.h"

namespace sotto::gguf {
namespace {

constexpr uint64_t kChunkBytes = 1 << 20;
constexpr uint64_t kGranuleBytesMax = 64 << 20;
constexpr uint64_t kBufferBytesPerThread = 64 << 20;

uint64_t total_bytes(const std::vector<FileInfo>& files) {
  return std::accumulate(files.begin(), files.end(), uint64_t{0},
                         [](uint64_t sum, const FileInfo& file) { return sum + file.bytes; });
}

// Digests of the files, and the check that each still begins with what was parsed: the disk may
// have changed, or its owner may be showing us something else.
class FileHasher {
 public:
  FileHasher(const std::vector<FileInfo>& files, const Progress& progress)
      : files_(files), progress_(progress), bytes_total_(total_bytes(files)) {}

  Result<void> take(const Chunk& chunk, Bytes bytes) {
    const FileInfo& file = files_[chunk.file];
    if (chunk.offset < file.header_bytes) {
      header_.update(bytes.first(std::min(chunk.bytes, file.header_bytes - chunk.offset)));
      if (chunk.offset + chunk.bytes >= file.header_bytes &&
          header_.finish() != file.header_sha256) {
        return fail(ErrorKind::untrusted, "{}: changed since it was opened", file.path.string());
      }
    }
    whole_.update(bytes);
    if (chunk.offset + chunk.bytes == file.bytes) digests_.push_back(whole_.finish());
    bytes_done_ += chunk.bytes;
    if (progress_ && bytes_done_ < bytes_total_) progress_(bytes_done_, bytes_total_);
    return {};
  }

  void end_progress() const {
    if (progress_) progress_(bytes_total_, bytes_total_);
  }
  std::vector<Digest> release() { return std::move(digests_); }

 private:
  const std::vector<FileInfo>& files_;
  const Progress& progress_;
  uint64_t bytes_total_;
  uint64_t bytes_done_ = 0;
  crypto::Sha256 header_;
  crypto::Sha256 whole_;
  std::vector<Digest> digests_;
};

// Digests of the tensors' data. Pieces of a tensor follow each other and tensors do not interleave,
// because files are read in order.
class TensorHasher {
 public:
  explicit TensorHasher(const std::vector<TensorInfo>& tensors)
      : tensors_(tensors), digests_(tensors.size()) {}

  Result<void> take(const Chunk& chunk, Bytes bytes) {
    for (const Piece& piece : chunk.pieces) {
      hash_.update(bytes.subspan(piece.chunk_offset, piece.bytes));
      if (piece.tensor_offset + piece.bytes == tensors_[piece.tensor].bytes) {
        digests_[piece.tensor] = hash_.finish();
      }
    }
    return {};
  }

  const std::vector<Digest>& digests() const { return digests_; }

 private:
  const std::vector<TensorInfo>& tensors_;
  crypto::Sha256 hash_;
  std::vector<Digest> digests_;
};

Result<void> deliver(TensorSink& sink, const std::vector<TensorInfo>& tensors, const Chunk& chunk,
                     Bytes bytes) {
  for (const Piece& piece : chunk.pieces) {
    TRY(sink.take(tensors[piece.tensor], piece.tensor_offset,
                  bytes.subspan(piece.chunk_offset, piece.bytes)));
  }
  return {};
}

Result<std::vector<uint64_t>> granules(TensorSink* sink, const std::vector<TensorInfo>& tensors) {
  std::vector<uint64_t> granules(tensors.size(), 1);
  for (size_t i = 0; sink != nullptr && i < tensors.size(); ++i) {
    granules[i] = sink->granule_bytes(tensors[i]);
    if (std::min(granules[i], tensors[i].bytes) > kGranuleBytesMax) {
      return fail(ErrorKind::unsupported,
                  "tensor '{}': must be read {} bytes at a time, more than {}", tensors[i].name,
                  granules[i], kGranuleBytesMax);
    }
  }
  return granules;
}

Result<std::vector<DiskFile>> open_files(const std::vector<FileInfo>& infos) {
  std::vector<DiskFile> files;
  for (const FileInfo& info : infos) {
    files.push_back(TRY(DiskFile::open(info.path)));
    if (files.back().bytes() != info.bytes) {
      return fail(ErrorKind::untrusted, "{}: changed since it was opened: {} bytes before, now {}",
                  info.path.string(), info.bytes, files.back().bytes());
    }
    files.back().expect_sequential_reading();
  }
  return files;
}

// Where chunks come from: the file in memory where there is one, else the disk.
Pipeline::Read reader(Bytes memory, const std::vector<DiskFile>& files) {
  if (!memory.empty()) {
    return [memory](const Chunk& chunk, std::span<uint8_t>) -> Result<Bytes> {
      return memory.subspan(chunk.offset, chunk.bytes);
    };
  }
  return [&files](const Chunk& chunk, std::span<uint8_t> buffer) -> Result<Bytes> {
    TRY(files[chunk.file].read_at(chunk.offset, buffer));
    return Bytes(buffer);
  };
}

}  // namespace

std::string to_hex(const Digest& digest) {
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

Result<Source> Source::open(const std::filesystem::path& path) {
  return Source(TRY(describe(path)), {});
}

Result<Source> Source::from_memory(Bytes file) {
  return Source(TRY(parse_header(file, file.size())), file);
}

Result<ModelIdentity> Source::read(TensorSink* sink, uint32_t threads,
                                   const Progress& progress) const {
  const std::vector<TensorInfo>& tensors = description_.tensors;
  const std::vector<uint64_t> cuts = TRY(granules(sink, tensors));
  std::vector<DiskFile> files;
  if (memory_.empty()) files = TRY(open_files(description_.files));

  FileHasher file_hasher(description_.files, progress);
  TensorHasher tensor_hasher(tensors);
  std::vector<Stage> stages = {
      [&](const Chunk& chunk, Bytes bytes) { return file_hasher.take(chunk, bytes); },
      [&](const Chunk& chunk, Bytes bytes) { return tensor_hasher.take(chunk, bytes); },
  };
  if (sink != nullptr) {
    stages.emplace_back(
        [&](const Chunk& chunk, Bytes bytes) { return deliver(*sink, tensors, chunk, bytes); });
  }
  Pipeline pipeline(ChunkPlan(description_, cuts, kChunkBytes), reader(memory_, files),
                    std::move(stages), kBufferBytesPerThread * std::max(threads, 1u));
  const Result<void> done = pipeline.run(threads);
  file_hasher.end_progress();
  if (!done) return std::unexpected(done.error());
  return ModelIdentity{file_hasher.release(), model_root(description_, tensor_hasher.digests())};
}

}  // namespace sotto::gguf

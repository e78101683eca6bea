// The description of a GGUF model: metadata and tensors of one file or of a split set of files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/sha256.h"
#include "gguf/types.h"

namespace sotto::gguf {

// GGUF's value types. Integers of all widths are kept as they stand in the file.
struct Array;
using Value = std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool,
                           std::string, uint64_t, int64_t, double, Array>;

// An array of one element type. Arrays of arrays are refused by the reader.
struct Array {
  std::variant<std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>,
               std::vector<int16_t>, std::vector<uint32_t>, std::vector<int32_t>,
               std::vector<float>, std::vector<bool>, std::vector<std::string>,
               std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>>
      items;
  bool operator==(const Array&) const = default;
};

// Key-value pairs in the order of the file. Keys are unique. Look-ups are by binary search.
class Metadata {
 public:
  struct Entry {
    std::string key;
    Value value;
  };

  // `malformed` when the key is there already.
  Result<void> add(std::string key, Value value);

  const std::vector<Entry>& entries() const { return entries_; }
  const Value* find(std::string_view key) const;

  // The value converted to T (any integer width that holds it; float from float or double; string;
  // bool). `malformed` when absent or of another type, naming the key.
  template <class T>
  Result<T> get(std::string_view key) const;
  // The same, or `fallback` when the key is absent; a wrong type is still an error.
  template <class T>
  Result<T> get_or(std::string_view key, T fallback) const;

  // Arrays, borrowed. `malformed` when absent or of another element type.
  Result<const std::vector<std::string>*> strings(std::string_view key) const;
  Result<const std::vector<float>*> floats(std::string_view key) const;
  // Any integer element type, widened.
  Result<std::vector<int64_t>> integers(std::string_view key) const;

 private:
  std::vector<Entry> entries_;
  std::vector<uint32_t> by_key_;  // indices of entries_, sorted by key
};

struct TensorInfo {
  std::string name;
  TensorType type;
  std::vector<uint64_t> shape;  // innermost (contiguous, K) first, 1 to 4 dimensions, none is 0
  uint32_t file;                // which file of a split set
  uint64_t offset;              // of the data, from the start of that file
  uint64_t bytes;

  uint64_t row_elements() const { return shape[0]; }
  uint64_t rows() const;  // product of the outer dimensions
  uint64_t elements() const { return row_elements() * rows(); }
};

struct FileInfo {
  std::filesystem::path path;  // empty for a description made from memory
  uint64_t bytes = 0;
  // What was parsed: the file's first bytes and their digest. Source::read refuses a file that no
  // longer begins with them.
  uint64_t header_bytes = 0;
  crypto::Sha256Digest header_sha256 = {};
};

// What a model is, before its tensor data has been read. Everything in it has been checked against
// the sizes of the files: each tensor lies inside its file, aligned, overlapping no other.
struct Description {
  uint32_t version;
  uint32_t alignment;
  Metadata metadata;                // of the first file
  std::vector<TensorInfo> tensors;  // in the order of the files' tensor tables
  std::vector<FileInfo> files;

  const TensorInfo* find_tensor(std::string_view name) const;
};

// Parses a header that lies at the start of `bytes`, of a file of `file_bytes` bytes in all. When
// the header goes on beyond `bytes` but not beyond the file the error's kind is `exhausted`: call
// again with more. Split files (`split.count` > 1) are `unsupported` here; see describe(). Little
// else needs memory than what stands in `bytes`.
Result<Description> parse_header(Bytes bytes, uint64_t file_bytes);

// Opens and describes a model on disk. For a split set `path` is any of its files
// (NAME-00001-of-00003.gguf); all must be there and agree on `split.*`.
Result<Description> describe(const std::filesystem::path& path);

}  // namespace sotto::gguf

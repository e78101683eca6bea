// Writing GGUF files: for tools, tests and the bundled model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gguf/file.h"

namespace sotto::gguf {

struct TensorData {
  std::string name;
  TensorType type;
  std::vector<uint64_t> shape;  // innermost first
  Bytes data;                   // borrowed; exactly the bytes that type and shape make
};

// The bytes of a version 3 file: reading them back gives the same metadata and tensors in the same
// order. `general.alignment` in the metadata is honoured (default 32). `malformed` when sizes,
// names or the alignment do not fit the format.
Result<std::vector<uint8_t>> serialize(const Metadata& metadata,
                                       const std::vector<TensorData>& tensors);

// The same into a file, written beside it and renamed, so that a kill never leaves half a file.
Result<void> write_file(const std::filesystem::path& path, const Metadata& metadata,
                        const std::vector<TensorData>& tensors);

// A tensor whose data need not be in memory as a whole.
struct TensorProducer {
  std::string name;
  TensorType type;
  std::vector<uint64_t> shape;
  // Hands the data over piece by piece, in order: exactly the bytes that type and shape make.
  std::function<Result<void>(const std::function<Result<void>(Bytes)>& append)> produce;
};
Result<void> write_file_piecewise(const std::filesystem::path& path, const Metadata& metadata,
                                  const std::vector<TensorProducer>& tensors);

}  // namespace sotto::gguf

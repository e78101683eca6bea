// A file that appears under its name only when it is complete.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"

namespace sotto {

// Written beside its destination and renamed by commit(), so that a kill or a full disk never
// leaves half a file under the name. Without commit() the partial file is removed.
class OutputFile {
 public:
  static Result<OutputFile> create(const std::filesystem::path& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  Result<void> append(Bytes bytes);
  // Flushes to the disk and renames; the file is then whole.
  Result<void> commit();

 private:
  OutputFile(std::filesystem::path path, std::filesystem::path partial, std::FILE* file);

  std::filesystem::path path_;
  std::filesystem::path partial_;
  std::FILE* file_;
};

}  // namespace sotto

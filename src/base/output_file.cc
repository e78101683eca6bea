// Writing beside the destination, then renaming.
// SPDX-License-Identifier: Apache-2.0
#include "base/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace sotto {

Result<OutputFile> OutputFile::create(const std::filesystem::path& path) {
  // Renaming over a device or a pipe would put a file in its place.
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_regular_file(path, ignored)) {
    return fail(ErrorKind::unavailable, "cannot create {}: it is there and not a file",
                path.string());
  }
  std::filesystem::path partial = path;
  partial += fmt::format(".{}.partial", getpid());
  // "x": never through a link that somebody put there.
  std::FILE* file = std::fopen(partial.c_str(), "wxe");
  if (file == nullptr) {
    return fail(ErrorKind::unavailable, "cannot create {}: {}", partial.string(),
                std::strerror(errno));
  }
  return OutputFile(path, std::move(partial), file);
}

OutputFile::OutputFile(std::filesystem::path path, std::filesystem::path partial, std::FILE* file)
    : path_(std::move(path)), partial_(std::move(partial)), file_(file) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::move(other.partial_)),
      file_(std::exchange(other.file_, nullptr)) {}

OutputFile::~OutputFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  unlink(partial_.c_str());
}

Result<void> OutputFile::append(Bytes bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) {
    return fail(ErrorKind::unavailable, "cannot write {}: {}", partial_.string(),
                std::strerror(errno));
  }
  return {};
}

Result<void> OutputFile::commit() {
  // Flushed before the rename: else a power cut could leave the name with an empty file behind it.
  if (std::fflush(file_) != 0 || fsync(fileno(file_)) != 0 ||
      rename(partial_.c_str(), path_.c_str()) != 0) {
    return fail(ErrorKind::unavailable, "cannot write {}: {}", path_.string(),
                std::strerror(errno));
  }
  std::fclose(std::exchange(file_, nullptr));
  return {};
}

}  // namespace sotto

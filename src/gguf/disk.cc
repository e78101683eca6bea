// Reading files through POSIX.
// SPDX-License-Identifier: Apache-2.0
#include "gguf/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sotto::gguf {
namespace {

std::string system_message(int error) {
  return std::generic_category().message(error);
}

}  // namespace

Result<DiskFile> DiskFile::open(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a pipe must not wait for its writer; regular files do not mind.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return fail(ErrorKind::unavailable, "{}: cannot be opened: {}", path.string(),
                system_message(errno));
  }
  DiskFile file(descriptor, 0, path.string());
  struct stat status;
  if (::fstat(descriptor, &status) != 0) {
    return fail(ErrorKind::unavailable, "{}: {}", path.string(), system_message(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::unavailable, "{}: not a regular file", path.string());
  }
  file.bytes_ = static_cast<uint64_t>(status.st_size);
  return file;
}

DiskFile::DiskFile(DiskFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(other.bytes_),
      path_(std::move(other.path_)) {}

DiskFile& DiskFile::operator=(DiskFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  std::swap(path_, other.path_);
  return *this;
}

DiskFile::~DiskFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> DiskFile::read_at(uint64_t offset, std::span<uint8_t> into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return fail(ErrorKind::unavailable, "{}: reading at offset {}: {}", path_, offset,
                  system_message(errno));
    }
    if (got == 0) {
      return fail(ErrorKind::untrusted, "{}: changed while it was read: {} bytes before, now {}",
                  path_, bytes_, offset);
    }
    offset += static_cast<uint64_t>(got);
    into = into.subspan(static_cast<size_t>(got));
  }
  return {};
}

void DiskFile::expect_sequential_reading() const {
  // Advice only: a refusal costs speed at most.
  (void)::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

}  // namespace sotto::gguf

// Reading and extending a register, 48 bytes at a time.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collect/rtmr.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sotto::attest::collect {
namespace {

std::unexpected<Error> refused(const std::filesystem::path& path, int error) {
  const bool denied = error == EACCES || error == EPERM;
  return fail(denied ? ErrorKind::denied : ErrorKind::unavailable, "{}: {}", path.string(),
              std::strerror(error));
}

}  // namespace

Result<Rtmr> read_rtmr(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return refused(path, errno);
  Rtmr value{};
  const ssize_t count = ::pread(file, value.data(), value.size(), 0);
  const int error = errno;
  ::close(file);
  if (count < 0) return refused(path, error);
  if (static_cast<size_t>(count) != value.size()) {
    return fail(ErrorKind::malformed, "{} holds {} bytes, not {}", path.string(), count,
                value.size());
  }
  return value;
}

Result<void> extend_rtmr(const std::filesystem::path& path, const Rtmr& digest) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return refused(path, errno);
  const ssize_t count = ::pwrite(file, digest.data(), digest.size(), 0);
  const int error = errno;
  ::close(file);
  if (count < 0) return refused(path, error);
  if (static_cast<size_t>(count) != digest.size()) {
    return fail(ErrorKind::unavailable, "{} took {} of {} bytes", path.string(), count,
                digest.size());
  }
  return {};
}

}  // namespace sotto::attest::collect

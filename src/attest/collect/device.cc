// Opening a device and asking it.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collect/device.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sotto::attest::collect {
namespace {

class OpenDevice final : public Device {
 public:
  explicit OpenDevice(int descriptor) : descriptor_(descriptor) {}
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;
  ~OpenDevice() override { ::close(descriptor_); }

  int control(unsigned long request, void* argument) override {
    int result = 0;
    do {
      result = ::ioctl(descriptor_, request, argument);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? errno : 0;
  }

 private:
  int descriptor_;
};

}  // namespace

Result<std::unique_ptr<Device>> open_device(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    const int error = errno;
    const bool refused = error == EACCES || error == EPERM;
    return fail(refused ? ErrorKind::denied : ErrorKind::unavailable, "{}: {}", path.string(),
                std::strerror(error));
  }
  return std::make_unique<OpenDevice>(descriptor);
}

}  // namespace sotto::attest::collect

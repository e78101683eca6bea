// A character device that is asked with ioctl, and can be played by a test.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"

namespace sotto::attest::collect {

class Device {
 public:
  virtual ~Device() = default;
  // ioctl(2): 0, or the errno that it failed with. `argument` is what `request` says.
  virtual int control(unsigned long request, void* argument) = 0;
};

// `unavailable` where there is no such device, `denied` without the right to open it.
Result<std::unique_ptr<Device>> open_device(const std::filesystem::path& path);

}  // namespace sotto::attest::collect

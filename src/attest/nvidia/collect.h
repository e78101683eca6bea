// Collecting the evidence of this machine's GPUs by NVIDIA's management library [NVML].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "attest/nvidia/evidence_list.h"
#include "attest/nvidia/spdm_report.h"
#include "base/result.h"

namespace sotto::attest::nvidia {

// What the driver says about the machine; not evidence, only good for a message before it.
struct GpuSystem {
  bool confidential = false;  // confidential computing is on
  bool production = false;    // and not simulated
  bool dev_tools = false;     // debuggers can read the memory: reports will match no manifest
  uint32_t gpus = 0;
};

// The library, loaded and initialised; move-only, unloaded at the end. One thread at a time.
class GpuCollector {
 public:
  // `path` is a file or a name that the loader looks up. `unavailable` when there is no library, it
  // lacks a function or finds no driver.
  static Result<GpuCollector> open(const std::filesystem::path& path = "libnvidia-ml.so.1");

  Result<GpuSystem> system() const;

  // A report of each GPU over the nonce, with its chain, in the driver's order. `unavailable` when
  // confidential computing is off or a GPU makes no report; `untrusted` when a report is over another
  // nonce. Takes up to seconds for each GPU.
  Result<std::vector<DeviceEvidence>> collect(
      const std::array<uint8_t, kSpdmNonceBytes>& nonce) const;

 private:
  struct Library;
  explicit GpuCollector(std::shared_ptr<const Library> library) : library_(std::move(library)) {}

  std::shared_ptr<const Library> library_;
};

}  // namespace sotto::attest::nvidia

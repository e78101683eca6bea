// Which TEE this machine is, by what its system shows, with the reasons.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sotto::attest::collect {

// Where the system shows things; a test points each elsewhere.
struct Places {
  std::filesystem::path tsm_report = "/sys/kernel/config/tsm/report";
  std::filesystem::path tdx_guest = "/dev/tdx_guest";
  std::filesystem::path sev_guest = "/dev/sev-guest";
  std::filesystem::path nsm = "/dev/nsm";
  std::filesystem::path tpm = "/dev/tpmrm0";
  std::filesystem::path cpuinfo = "/proc/cpuinfo";
  std::filesystem::path dmi = "/sys/class/dmi/id";
  std::filesystem::path rtmr3 = "/sys/devices/virtual/misc/tdx_guest/measurements/rtmr3:sha384";
  std::filesystem::path ccel = "/sys/firmware/acpi/tables/data/CCEL";
};

enum class Platform {
  tdx,              // Intel TDX with a device or configfs-tsm
  sev_snp,          // AMD SEV-SNP likewise
  nitro_enclave,    // AWS
  azure_paravisor,  // Azure's confidential machines, whose TEE is reached through a TPM
  tpm,              // a TPM and nothing better: measured boot, no protected memory
};

std::string_view to_string(Platform platform);

struct Sign {
  std::string looked_for;
  bool found = false;
  std::string detail;  // what was seen, or why it was not
};

struct Detection {
  std::vector<Sign> signs;  // everything that was looked for, in order
  std::optional<Platform> platform;
  std::string reason;  // one sentence, for people
};

// What is shown can be forged by whoever runs the machine: good for choosing how to collect
// evidence, proof of nothing.
Detection detect_platform(const Places& places);

}  // namespace sotto::attest::collect

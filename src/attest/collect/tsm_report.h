// Evidence from Linux's configfs-tsm folder, the same for Intel TDX and AMD SEV-SNP [TSM-REPORT].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace sotto::attest::collect {

// What the kernel offers of one such folder; a test can play it.
class TsmFolder {
 public:
  virtual ~TsmFolder() = default;
  virtual Result<void> make_entry(const std::string& entry) = 0;
  virtual void remove_entry(const std::string& entry) = 0;
  // At most `bytes_max`; more is `exhausted`, no such attribute `unavailable`.
  virtual Result<std::vector<uint8_t>> read(const std::string& entry, const std::string& attribute,
                                            uint64_t bytes_max) = 0;
  virtual Result<void> write(const std::string& entry, const std::string& attribute,
                             Bytes value) = 0;
};

// `path` is normally /sys/kernel/config/tsm/report.
std::unique_ptr<TsmFolder> open_tsm_folder(std::filesystem::path path);

struct TsmRequest {
  std::array<uint8_t, 64> report_data{};
  // SNP's VMPL; nothing: the most privileged that the kernel may ask for.
  std::optional<uint32_t> privilege_level = {};
};

struct TsmReport {
  std::string provider;            // "tdx_guest", "sev_guest", …
  std::vector<uint8_t> evidence;   // a TDX quote or an SNP report
  std::vector<uint8_t> auxiliary;  // SNP's certificate table; empty where there is none
};

// Makes an entry of its own, removes it again, and starts anew when its `generation` shows that
// somebody else wrote to it meanwhile; `unavailable` when that happens again and again.
Result<TsmReport> request_tsm_report(TsmFolder& folder, const TsmRequest& request);

}  // namespace sotto::attest::collect

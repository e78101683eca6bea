// The one message of /dev/tdx_guest.
// SPDX-License-Identifier: Apache-2.0
#include "attest/collect/tdx_guest.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>

namespace sotto::attest::collect {
namespace {

// As in the kernel's uapi/linux/tdx-guest.h, which Debian 12's headers do not have.
struct TdxReportRequest {
  uint8_t report_data[64];
  uint8_t td_report[1024];
};
static_assert(sizeof(TdxReportRequest) == 1088);
constexpr unsigned long kGetReport0 = _IOWR('T', 1, TdxReportRequest);

}  // namespace

Result<TdReport> request_td_report(Device& device, const std::array<uint8_t, 64>& report_data) {
  TdxReportRequest request{};
  std::ranges::copy(report_data, request.report_data);
  if (const int error = device.control(kGetReport0, &request); error != 0) {
    return fail(ErrorKind::unavailable, "/dev/tdx_guest refuses a report: {}",
                std::strerror(error));
  }
  TdReport report;
  std::ranges::copy(request.td_report, report.begin());
  return report;
}

}  // namespace sotto::attest::collect

// Fuzzes parse_report(), what is read out of reports, and parse_evidence_list(): no input may crash them,
// and what was parsed is what is signed.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "attest/claims.h"
#include "attest/nvidia/device.h"
#include "attest/nvidia/evidence_list.h"
#include "attest/nvidia/spdm_report.h"
#include "base/check.h"

using namespace sotto;
using namespace sotto::attest;

namespace {

void check_report(Bytes bytes) {
  const auto report = nvidia::parse_report(bytes);
  if (!report) return;
  CHECK(report->signed_bytes.size() + report->signature.size() <= bytes.size());
  CHECK(!report->measurements.empty() && report->measurements.size() <= 255);
  for (const auto architecture : {nvidia::Architecture::hopper, nvidia::Architecture::ls10}) {
    Claims claims;
    if (!nvidia::describe(*report, {architecture, "X"}, claims)) continue;
    CHECK(claims.measurements.size() == report->measurements.size());
    CHECK(claims.report_data.size() == nvidia::kSpdmNonceBytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  check_report(Bytes(data, size));
  const auto devices = nvidia::parse_evidence_list({reinterpret_cast<const char*>(data), size});
  if (!devices) return 0;
  CHECK(!devices->empty() && devices->size() <= nvidia::kDevicesMax);
  for (const nvidia::DeviceEvidence& device : *devices) check_report(device.report);
  return 0;
}

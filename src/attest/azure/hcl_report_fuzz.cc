// Fuzzes the parsers of what Azure's machines and metadata service say: no input may crash them.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attest/azure/imds.h"
#include "attest/azure/runtime_json.h"
#include "attest/azure/verify.h"
#include "base/check.h"

namespace {

using namespace sotto;
using namespace sotto::attest;
using namespace sotto::attest::azure;

// Trusts any hardware, so that what comes after it is reached.
Verified<Claims> any_hardware(HardwareReport, Bytes, const Collateral&) {
  return Claims();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes(data, size);
  const auto report = parse_hcl_report(bytes);
  if (report) {
    CHECK(report->report_data.size() == 64);
    (void)check_runtime_binding(*report);
    (void)verify_hcl_report(bytes, {}, {}, any_hardware, 0);
  }
  (void)parse_runtime_json(bytes);
  (void)verify_imds(bytes, {}, {}, Roots(), 0);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_thim_answer(text);
  (void)parse_td_quote_answer(text);
  (void)parse_imds_answer(text);
  return 0;
}

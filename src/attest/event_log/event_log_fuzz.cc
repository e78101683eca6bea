// Fuzzes the event logs' parsers, the replay and the names: no input may crash them.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/cel.h"
#include "attest/event_log/systemd_log.h"
#include "attest/event_log/uki.h"
#include "attest/event_log/verify.h"
#include "base/check.h"

namespace {

using namespace sotto;
using namespace sotto::attest::event_log;

void check_log(Bytes bytes, Registers registers) {
  const auto log = parse_log(bytes, registers);
  if (!log) return;
  CHECK(log->bytes <= bytes.size());
  // The same events again without what follows them.
  const auto again = parse_log(bytes.first(log->bytes), registers);
  CHECK(!again || again->events.size() <= log->events.size());
  for (const Algorithm& algorithm : log->algorithms) {
    const auto values = replay(*log, algorithm.id);
    if (values) CHECK(match_registers(*values, *values, registers).has_value());
    for (const MeasuredEvent& event : list_events(*log, algorithm.id)) {
      for (const char c : event.text) CHECK(c >= ' ' && c <= '~');
    }
    (void)uki_sections(*log, algorithm.id);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes(data, size);
  check_log(bytes, Registers::pcrs);
  check_log(bytes, Registers::rtmrs);
  if (const auto cel = parse_cel(bytes)) {
    RegisterValues values;
    (void)replay(*cel, Registers::rtmrs, kSha384, values);
    for (const CelRecord& record : *cel) {
      (void)record.is_proven(kSha256);
      for (const char c : record.text()) CHECK(c >= ' ' && c <= '~');
    }
  }
  const auto records = parse_systemd_log({reinterpret_cast<const char*>(data), size});
  if (records) {
    RegisterValues values;
    (void)replay(*records, kSha256, values);
  }
  return 0;
}

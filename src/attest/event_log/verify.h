// Holding an event log against what a machine's evidence measured, and listing what it says.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attest/claims.h"
#include "attest/event_log/names.h"
#include "attest/event_log/replay.h"
#include "attest/verify_error.h"

namespace sotto::attest::event_log {

// One line of the list.
struct MeasuredEvent {
  uint32_t reg = 0;  // PCR or RTMR number
  std::string type;  // "EV_SEPARATOR"
  std::string text;  // in words; worth as much as `proof` says
  Proof proof = Proof::none;
  std::vector<uint8_t> digest;  // what was extended
};

// Every event that extends a register; of RTMRs, 0 to 3 as people count them.
std::vector<MeasuredEvent> list_events(const Log& log, uint16_t algorithm);

// A TD's firmware log (the ACPI table CCEL's data) explains its RTMRs, all four: measurements rtmr0 to
// rtmr3 of claims that a TDX quote's verification made. So may a canonical event log after it, of
// software that extends RTMRs at run time (empty: none). Rules, recorded in the claims:
//   ccel          malformed, unsupported
//   cel           malformed; only where there is one
//   ccel-replay   measurement_mismatch, naming each register that differs
// Something extended into an RTMR without an event, as the kernel's IMA does, is a mismatch.
Verified<std::vector<MeasuredEvent>> explain_rtmrs(Bytes ccel, Claims& claims, Bytes cel = {});

}  // namespace sotto::attest::event_log

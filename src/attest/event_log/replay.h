// What a log's events make of the registers that they were extended into.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "attest/event_log/tcg.h"

namespace sotto::attest::event_log {

// Register number to value, only of registers that an event extended.
using RegisterValues = std::map<uint32_t, std::vector<uint8_t>>;

// Extends every event's digest of that algorithm into zeros [TPM2 Part 1 §17.2]; PCR 0 begins with
// the locality of a StartupLocality event [PFP §10.4.5.3]. `unsupported` for an algorithm that the log has
// no digests of or that this program cannot compute, and for events in PCRs 17 to 22, whose first
// value a log does not tell.
Result<RegisterValues> replay(const Log& log, uint16_t algorithm);

// The log explains every register in `measured`: its replayed value is the measured one, or no event
// extends it and it has its first value. `untrusted` names every register that differs, with both
// values. Events of registers that `measured` lacks are vouched for by nothing.
Result<void> match_registers(const RegisterValues& replayed, const RegisterValues& measured,
                             Registers registers);

// Registers that no event extends, and that something was extended into all the same: their values
// stand for themselves, as PCR 10's do where the kernel's IMA is on.
std::vector<uint32_t> unexplained_registers(const RegisterValues& replayed,
                                            const RegisterValues& measured);

}  // namespace sotto::attest::event_log

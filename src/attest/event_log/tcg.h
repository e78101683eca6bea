// Parsing a TCG event log, as firmware keeps it for a TPM's PCRs or a confidential VM's registers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sotto::attest::event_log {

inline constexpr uint64_t kLogBytesMax = 4 << 20;
inline constexpr size_t kEventsMax = 16'384;
inline constexpr size_t kAlgorithmsMax = 8;
inline constexpr uint32_t kEventBytesMax = 1 << 20;
inline constexpr uint32_t kDigestBytesMax = 64;

// What the first field of an event counts.
enum class Registers {
  pcrs,   // a TPM's PCRs 0 to 23
  rtmrs,  // [UEFI-CC]: 0 is MRTD, which no event extends, 1 to 4 are RTMR0 to RTMR3
};

// TPM_ALG_ID [TPM2 Part 2 §6.3] and the digest's size as the log's own header gives it.
struct Algorithm {
  uint16_t id = 0;
  uint16_t digest_bytes = 0;
};

struct Digest {
  uint16_t algorithm = 0;
  Bytes bytes;
};

// All spans point into the parsed log.
struct Event {
  uint64_t offset = 0;
  uint32_t reg = 0;   // PCR or register number, see Registers; anything for EV_NO_ACTION
  uint32_t type = 0;  // EV_…, names.h
  std::vector<Digest> digests;
  Bytes data;

  // Null when the event has none for that algorithm.
  const Digest* find(uint16_t algorithm) const;
};

// [PFP §10.2]. `legacy` is TCG_PCR_EVENT throughout: SHA-1 only; otherwise TCG_PCR_EVENT2 after the
// first event, which is not among `events`.
struct Log {
  bool legacy = false;
  Registers registers = Registers::pcrs;
  std::vector<Algorithm> algorithms;
  std::vector<Event> events;
  uint64_t bytes = 0;  // where the events end; what follows is all 0xff or all 0, and is ignored
};

// `bytes` must outlive the result. `malformed` for anything that is not such a log, also for events
// whose digests are not exactly those of the log's algorithms, each once; `exhausted` beyond the
// limits above.
Result<Log> parse_log(Bytes bytes, Registers registers);

}  // namespace sotto::attest::event_log

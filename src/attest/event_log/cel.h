// The canonical event log: what software extended after the firmware, record by record [CEL].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attest/event_log/replay.h"
#include "attest/event_log/tcg.h"

namespace sotto::attest::event_log {

inline constexpr uint64_t kCelBytesMax = 1 << 20;
inline constexpr size_t kCelRecordsMax = 4096;
inline constexpr uint8_t kSottoContent = 83;  // a node's own: text, "model_root=…" [attestation §5]

// All spans point into the parsed log.
struct CelRecord {
  Registers registers = Registers::pcrs;
  uint32_t reg = 0;  // as in Event: of RTMRs, 1 to 4
  std::vector<Digest> digests;
  uint8_t content_type = 0;
  Bytes content;      // the contents' value
  Bytes content_tlv;  // with type and length: what Google's digests are of

  // The digest is that of the contents.
  bool is_proven(uint16_t algorithm) const;
  // Of Google's Confidential Space: "image reference: …", "environment: …"; of our own nodes:
  // "sotto: …"; otherwise the type and size.
  // At most 256 printable ASCII characters.
  std::string text() const;
};

// Type-length-value records as Google's machines keep them, numbered from 0 on without a gap.
// `malformed` for anything else, `exhausted` beyond the limits above.
Result<std::vector<CelRecord>> parse_cel(Bytes bytes);

// Extends the records of those registers into what the firmware's log came to. `unsupported` for a
// record without a digest of the algorithm.
Result<void> replay(const std::vector<CelRecord>& records, Registers registers, uint16_t algorithm,
                    RegisterValues& values);

}  // namespace sotto::attest::event_log

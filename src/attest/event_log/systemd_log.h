// systemd's own event log: what userspace extended into PCRs after the firmware's log had ended.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "attest/event_log/replay.h"

namespace sotto::attest::event_log {

inline constexpr size_t kSystemdLogBytesMax = 1 << 20;
inline constexpr size_t kSystemdRecordsMax = 4096;

struct SystemdRecord {
  struct RecordDigest {
    uint16_t algorithm = 0;
    std::vector<uint8_t> bytes;
  };
  uint32_t pcr = 0;
  std::string event_type;  // "phase", "machine-id", "filesystem", …
  std::string text;        // "enter-initrd": what was hashed, see is_proven
  std::vector<RecordDigest> digests;

  // The digest is that of `text`. Secrets are logged without what was hashed.
  bool is_proven(uint16_t algorithm) const;
};

// /run/log/systemd/tpm2-measure.log: JSON texts [RFC7464], each a record of the canonical event log
// of type "systemd" [UKI]. Records of other types are `unsupported`.
Result<std::vector<SystemdRecord>> parse_systemd_log(std::string_view text);

// Extends the records into what the firmware's log came to.
Result<void> replay(const std::vector<SystemdRecord>& records, uint16_t algorithm,
                    RegisterValues& values);

}  // namespace sotto::attest::event_log

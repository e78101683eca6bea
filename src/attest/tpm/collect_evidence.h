// A TPM's evidence of this machine, whole: the key that somebody vouches for, a quote, the event logs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "attest/tpm/collect.h"
#include "attest/tpm/evidence.h"

namespace sotto::attest::tpm {

// Whose key it is, and where its certificate lies.
enum class KeySource {
  azure,  // persistent 0x81000003; the paravisor's report vouches for it, NV 0x01c101d0 perhaps
  google_rsa,  // made by the template in NV 0x01c10001, certificate in 0x01c10000
  google_ecc,  // the same in 0x01c10003 and 0x01c10002
  own,         // made by us; nobody vouches for it but who has seen it before
};

// The first of these that this TPM has, in that order; `own` is always there.
Result<KeySource> find_key_source(Tpm& tpm);

// As the kernel and systemd have them; tests point them elsewhere.
struct LogPaths {
  std::filesystem::path firmware = "/sys/kernel/security/tpm0/binary_bios_measurements";
  std::filesystem::path systemd = "/run/log/systemd/tpm2-measure.log";
};

// A quote of all PCRs of SHA-256 with the logs as they were at that time. `unavailable` where the
// firmware's log cannot be read; systemd's may be absent. A log that grows meanwhile is read anew with
// a new quote, three times at most.
Result<QuoteEvidence> collect_evidence(Tpm& tpm, KeySource source, Bytes qualifying,
                                       const LogPaths& paths);

}  // namespace sotto::attest::tpm

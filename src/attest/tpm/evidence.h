// A TPM's evidence as it travels: quote, signature, key, registers and event logs in one JSON object.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "attest/tpm/quote.h"
#include "base/result.h"

namespace sotto::attest::tpm {

inline constexpr size_t kEvidenceBytesMax = 8 << 20;

// Owned bytes; a field that is not there is empty.
struct QuoteEvidence {
  std::vector<uint8_t> attest;         // TPMS_ATTEST
  std::vector<uint8_t> signature;      // TPMT_SIGNATURE, or the bare one of a key of fixed RSASSA
  std::vector<uint8_t> key;            // TPMT_PUBLIC
  std::vector<uint8_t> certificate;    // of the key, DER
  std::vector<uint8_t> intermediates;  // PEM
  PcrBanks pcrs;                       // of at least the quoted registers
  std::vector<uint8_t> event_log;      // the firmware's
  std::string systemd_log;
};

// {"version":1, "quote", "signature", "key", "certificate", "intermediates", "event_log", "systemd_log":
// base64url, "pcrs": {"sha256": {"0": hexadecimal, …}}}: quote, signature and pcrs must be there, other
// fields than these may not.
Result<QuoteEvidence> parse_evidence(std::string_view json);
std::string serialize(const QuoteEvidence& evidence);

}  // namespace sotto::attest::tpm

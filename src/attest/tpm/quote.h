// A TPM's quote: TPMS_ATTEST of type quote [TPM2 Part 2 §10.12], and the registers it speaks of.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sotto::attest::tpm {

inline constexpr size_t kQuoteBytesMax = 1024;
inline constexpr size_t kPcrCount = 24;
inline constexpr size_t kBanksMax = 8;

// TPMS_PCR_SELECTION: registers of one bank, bit i for PCR i.
struct PcrSelection {
  uint16_t algorithm = 0;  // TPM_ALG_ID of the bank
  uint32_t pcrs = 0;
};

// Parsed only: nothing in it is to be believed before verify_quote(). Spans point into the bytes.
struct QuoteUnverified {
  Bytes qualified_signer;  // TPM2B_NAME
  Bytes extra_data;        // the qualifying data that the quote was asked for with
  uint64_t clock_ms = 0;
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  bool clock_is_safe = false;
  uint64_t firmware_version = 0;
  std::vector<PcrSelection> selections;
  Bytes pcr_digest;
};

// `malformed` for another magic, `unsupported` for an attestation that is no quote. Trailing bytes are
// an error.
Result<QuoteUnverified> parse_quote(Bytes bytes);

// PCR number to value, per bank.
using PcrValues = std::map<uint32_t, std::vector<uint8_t>>;
using PcrBanks = std::map<uint16_t, PcrValues>;

// The digest that a TPM would quote for these values: its hash over the selected registers in the
// selection's order and ascending number [TPM2 Part 4 PCRComputeCurrentDigest]. `unavailable` names a
// selected register whose value is missing, `malformed` one of another size.
Result<std::vector<uint8_t>> pcr_digest(const std::vector<PcrSelection>& selections,
                                        const PcrBanks& banks, uint16_t digest_algorithm);

}  // namespace sotto::attest::tpm

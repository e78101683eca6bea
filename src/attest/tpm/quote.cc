// Field by field.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/quote.h"

#include "attest/event_log/algorithms.h"
#include "attest/tpm/wire.h"

namespace sotto::attest::tpm {
namespace {

constexpr uint32_t kGeneratedValue = 0xff544347;  // TPM_GENERATED_VALUE, "\xffTCG"
constexpr uint16_t kAttestQuote = 0x8018;         // TPM_ST_ATTEST_QUOTE
constexpr uint16_t kNameBytesMax = 68;            // algorithm and digest, or a handle
constexpr uint16_t kExtraBytesMax = 66;           // sizeof(TPMT_HA) with SHA-512
constexpr uint16_t kDigestBytesMax = 64;

Result<PcrSelection> read_selection(WireReader& in) {
  PcrSelection selection;
  selection.algorithm = TRY(in.read<uint16_t>("PCR bank"));
  const uint64_t at = in.offset();
  const uint8_t bytes = TRY(in.read<uint8_t>("PCR selection size"));
  if (bytes == 0 || bytes > kPcrCount / 8) {
    return fail(ErrorKind::malformed, "PCR selection at offset {} has {} bytes, not 1 to {}", at,
                bytes, kPcrCount / 8);
  }
  const Bytes bits = TRY(in.take(bytes, "PCR selection"));
  for (size_t i = 0; i < bits.size(); ++i) selection.pcrs |= uint32_t{bits[i]} << (8 * i);
  return selection;
}

Result<std::vector<PcrSelection>> read_selections(WireReader& in) {
  const uint32_t count = TRY(in.read<uint32_t>("PCR selection count"));
  if (count == 0 || count > kBanksMax) {
    return fail(ErrorKind::malformed, "a quote of {} PCR selections, not 1 to {}", count,
                kBanksMax);
  }
  std::vector<PcrSelection> selections;
  for (uint32_t i = 0; i < count; ++i) {
    const PcrSelection one = TRY(read_selection(in));
    for (const PcrSelection& before : selections) {
      if (before.algorithm == one.algorithm) {
        return fail(ErrorKind::malformed, "the PCR bank {} is selected twice",
                    event_log::algorithm_name(one.algorithm));
      }
    }
    selections.push_back(one);
  }
  return selections;
}

}  // namespace

Result<QuoteUnverified> parse_quote(Bytes bytes) {
  if (bytes.size() > kQuoteBytesMax) {
    return fail(ErrorKind::exhausted, "a quote of {} bytes, more than {}", bytes.size(),
                kQuoteBytesMax);
  }
  WireReader in(bytes);
  const uint32_t magic = TRY(in.read<uint32_t>("magic"));
  if (magic != kGeneratedValue) {
    return fail(ErrorKind::malformed,
                "magic at offset 0 is {:#010x}, not that of a TPM's structure", magic);
  }
  const uint16_t type = TRY(in.read<uint16_t>("type"));
  if (type != kAttestQuote) {
    return fail(ErrorKind::unsupported, "type at offset 4 is {:#06x}: an attestation, but no quote",
                type);
  }
  QuoteUnverified quote;
  quote.qualified_signer = TRY(in.sized(kNameBytesMax, "qualified signer"));
  quote.extra_data = TRY(in.sized(kExtraBytesMax, "extra data"));
  quote.clock_ms = TRY(in.read<uint64_t>("clock"));
  quote.reset_count = TRY(in.read<uint32_t>("reset count"));
  quote.restart_count = TRY(in.read<uint32_t>("restart count"));
  const uint8_t safe = TRY(in.read<uint8_t>("safe"));
  if (safe > 1) return fail(ErrorKind::malformed, "the clock's safe flag is {}", safe);
  quote.clock_is_safe = safe == 1;
  quote.firmware_version = TRY(in.read<uint64_t>("firmware version"));
  quote.selections = TRY(read_selections(in));
  quote.pcr_digest = TRY(in.sized(kDigestBytesMax, "PCR digest"));
  TRY(in.expect_end("quote"));
  return quote;
}

Result<std::vector<uint8_t>> pcr_digest(const std::vector<PcrSelection>& selections,
                                        const PcrBanks& banks, uint16_t digest_algorithm) {
  std::vector<uint8_t> values;
  for (const PcrSelection& selection : selections) {
    const size_t size = TRY(event_log::hash_bytes(selection.algorithm));
    const auto bank = banks.find(selection.algorithm);
    for (uint32_t pcr = 0; pcr < kPcrCount; ++pcr) {
      if ((selection.pcrs >> pcr & 1) == 0) continue;
      const auto* value =
          bank == banks.end() || !bank->second.contains(pcr) ? nullptr : &bank->second.at(pcr);
      if (value == nullptr) {
        return fail(ErrorKind::unavailable, "the quote covers PCR {} of {}, whose value is missing",
                    pcr, event_log::algorithm_name(selection.algorithm));
      }
      if (value->size() != size) {
        return fail(ErrorKind::malformed, "the value of PCR {} of {} has {} bytes", pcr,
                    event_log::algorithm_name(selection.algorithm), value->size());
      }
      values.insert(values.end(), value->begin(), value->end());
    }
  }
  return event_log::hash(digest_algorithm, {values});
}

}  // namespace sotto::attest::tpm

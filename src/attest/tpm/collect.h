// Evidence from this machine's TPM, through tpm2-tss: an attestation key, quotes, registers, NV indices.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "attest/tpm/quote.h"
#include "base/bytes.h"
#include "base/result.h"

namespace sotto::attest::tpm {

inline constexpr size_t kQualifyingBytesMax = 64;

enum class KeyKind { rsa2048, p256 };

// What a TPM answers; bytes as it marshals them, for parse_quote() and parse_signature().
struct Quote {
  std::vector<uint8_t> attest;     // TPMS_ATTEST
  std::vector<uint8_t> signature;  // TPMT_SIGNATURE
  PcrBanks pcrs;                   // the registers that it covers, as they were then
};

// One connection to one TPM. Not for two threads at once.
class Tpm {
 public:
  // `tcti` as tpm2-tss writes it: "device:/dev/tpmrm0", "swtpm:path=/run/tpm.sock". `unavailable` with
  // tpm2-tss's reason.
  static Result<std::unique_ptr<Tpm>> open(const std::string& tcti);
  ~Tpm();
  Tpm(const Tpm&) = delete;
  Tpm& operator=(const Tpm&) = delete;

  // Makes a primary attestation key in the endorsement hierarchy: restricted, signing, SHA-256. The
  // same TPM makes the same key each time. It is the key of later quotes, until another is made or
  // loaded or the connection ends. Returns its TPMT_PUBLIC.
  Result<std::vector<uint8_t>> make_key(KeyKind kind);
  // The same by a template that somebody left for it (a TPMT_PUBLIC), such as Google's in an NV index.
  Result<std::vector<uint8_t>> make_key(Bytes key_template);
  // Takes a persistent key, such as Azure's at 0x81000003, instead. Returns its TPMT_PUBLIC.
  Result<std::vector<uint8_t>> load_key(uint32_t handle);

  // A quote of these PCRs of one bank, `qualifying` at most 64 bytes, with the key's own scheme or,
  // where it has none, RSASSA with SHA-256. Registers that change meanwhile are quoted anew, three
  // times at most, then `unavailable`.
  Result<Quote> quote(Bytes qualifying, const PcrSelection& selection);

  // Extends one PCR in one bank.
  Result<void> extend(uint32_t pcr, uint16_t algorithm, Bytes digest);

  // Whether there is such a persistent key or NV index.
  Result<bool> has(uint32_t handle);

  // An NV index's whole contents, by the owner's empty authorization. `unavailable` when it is not
  // there. At most 65,535 bytes, as large as an index can be.
  Result<std::vector<uint8_t>> read_nv(uint32_t index);
  // Writes all of `bytes` from its start.
  Result<void> write_nv(uint32_t index, Bytes bytes);

 private:
  struct State;
  explicit Tpm(std::unique_ptr<State> state);
  Result<std::vector<uint8_t>> create_primary(const void* wanted);  // a TPM2B_PUBLIC
  Result<PcrValues> read_pcrs(const PcrSelection& selection);
  std::unique_ptr<State> state_;
};

}  // namespace sotto::attest::tpm

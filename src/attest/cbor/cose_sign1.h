// COSE_Sign1 messages [RFC9052 §4.2]: taken apart, and the bytes that their signature covers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace sotto::attest::cbor {

inline constexpr int64_t kAlgorithmEs384 = -35;  // ECDSA with SHA-384 [RFC9053 §2.1]

// Unverified. The views are into the bytes it was read from.
struct CoseSign1 {
  int64_t algorithm = 0;
  Bytes protected_header;
  Bytes payload;
  Bytes signature;     // r and s, big endian, of equal lengths
  uint64_t bytes = 0;  // what the message takes of the bytes it was read from, its tag included
};

// With the tag 18 in front or without. The protected header must hold the algorithm and nothing
// else, the unprotected one nothing: whatever else stood there would have to be understood.
Result<CoseSign1> read_cose_sign1(Bytes bytes);

// The Sig_structure [RFC9052 §4.4], with empty external data.
std::vector<uint8_t> cose_signed_bytes(Bytes protected_header, Bytes payload);

}  // namespace sotto::attest::cbor

// PKCS#7 signed data: contents, one signer, and the certificates that came with them [RFC5652].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "crypto/x509.h"

namespace sotto::crypto {

inline constexpr uint64_t kSignedDataBytesMax = 64 << 10;

struct SignedData {
  std::vector<uint8_t> content;
  Certificate signer;
  std::vector<Certificate> certificates;  // all that came, the signer's too
};

// DER with its contents inside, signed by exactly one signer whose certificate is inside, by RSA or
// ECDSA over SHA-256, SHA-384 or SHA-512. Only that signature is checked: who the signer is must be asked
// of verify_chain(). `malformed`, `unsupported`, or `untrusted` when the signature is not the signer's.
Result<SignedData> open_signed_data(Bytes der);

}  // namespace sotto::crypto

// An attestation document of AWS Nitro Enclaves or NitroTPM as its bytes say it, before anything
// about it is checked [NITRO-DOC].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace sotto::attest::nitro {

inline constexpr uint64_t kDocumentBytesMax = 64 << 10;
inline constexpr uint64_t kCertificateBytesMax = 4096;  // the documentation says 1024
inline constexpr uint64_t kCaBundleCertificatesMax = 8;
inline constexpr uint64_t kCallerBytesMax = 1024;  // of user_data, nonce and public_key each
inline constexpr uint32_t kPcrIndexMax = 31;

enum class Variant { enclave, tpm };

struct DocumentUnverified {
  Variant variant = Variant::enclave;
  std::string module_id;
  uint64_t timestamp_ms = 0;                      // since 1970, the document's own
  std::map<uint32_t, std::vector<uint8_t>> pcrs;  // SHA-384 each
  std::vector<uint8_t> certificate;               // DER
  std::vector<std::vector<uint8_t>> cabundle;     // DER, the root first
  std::optional<std::vector<uint8_t>> public_key;
  std::optional<std::vector<uint8_t>> user_data;
  std::optional<std::vector<uint8_t>> nonce;

  std::vector<uint8_t> signed_bytes;  // COSE's Sig_structure
  std::vector<uint8_t> signature;     // r and s, 48 bytes each, big endian
  uint64_t bytes = 0;                 // what the document takes of the bytes it was read from
};

// The document at the start of `bytes`; what follows it is not looked at. Every field of the
// documentation must be there and no other may be.
Result<DocumentUnverified> parse_document(Bytes bytes);

}  // namespace sotto::attest::nitro

// AWS's Nitro Security Module, /dev/nsm: attestation documents and PCRs of an enclave [NSM-API].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attest/collect/device.h"
#include "base/bytes.h"

namespace sotto::attest::collect {

inline constexpr uint64_t kNsmUserDataBytesMax = 512;
inline constexpr uint64_t kNsmNonceBytesMax = 512;
inline constexpr uint64_t kNsmPublicKeyBytesMax = 1024;

// What the document carries for the caller.
struct NsmRequest {
  std::optional<std::vector<uint8_t>> user_data;
  std::optional<std::vector<uint8_t>> nonce;
  std::optional<std::vector<uint8_t>> public_key;
};

// The document, a COSE_Sign1 message, unverified. `exhausted` for fields beyond the limits above.
Result<std::vector<uint8_t>> request_nsm_document(Device& device, const NsmRequest& request);

struct NsmPcr {
  bool locked = false;
  std::vector<uint8_t> value;
};
Result<NsmPcr> read_nsm_pcr(Device& device, uint16_t index);
// The new value: SHA-384 of the old one and `data`.
Result<std::vector<uint8_t>> extend_nsm_pcr(Device& device, uint16_t index, Bytes data);

}  // namespace sotto::attest::collect

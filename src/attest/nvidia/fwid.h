// Which firmware a device's certificate was made for [DICE §6.1].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "crypto/x509.h"

namespace sotto::attest::nvidia {

// Digests (SHA-384) of the firmware layers that the certificate's key belongs to, the first layer
// first: of the composite device identifier (Hopper, LS10) or of the TCB information (Blackwell).
// `malformed` when the certificate has neither extension, or both, or one with another hash.
Result<std::vector<std::vector<uint8_t>>> firmware_ids(const crypto::Certificate& leaf);

}  // namespace sotto::attest::nvidia

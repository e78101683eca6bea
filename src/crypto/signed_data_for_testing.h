// PKCS#7 signed data by a test signer. Never for anything but tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "crypto/issue.h"

namespace sotto::crypto {

// DER with contents and certificates inside; `certificate` is the signer's. Any failure is a CHECK.
std::vector<uint8_t> sign_data_for_testing(Bytes content, const Certificate& certificate,
                                           const KeyPair& signer,
                                           const std::vector<Certificate>& others = {},
                                           HashAlgorithm hash = HashAlgorithm::sha256);

}  // namespace sotto::crypto

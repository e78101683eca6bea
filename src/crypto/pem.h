// Strict PEM [RFC7468 §3]; for crypto/ itself.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sotto::crypto {

bool looks_like_pem(Bytes bytes);

// The bytes of each block, all of which have the label ("CERTIFICATE", "X509 CRL"): 1 to `count_max`.
Result<std::vector<std::vector<uint8_t>>> parse_pem(std::string_view pem, std::string_view label,
                                                    size_t count_max);

}  // namespace sotto::crypto

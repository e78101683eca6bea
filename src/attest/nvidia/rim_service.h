// Reference manifests from NVIDIA's service, through whatever fetches [NVIDIA-ATTESTATION].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/evidence.h"
#include "base/bytes.h"
#include "crypto/x509.h"

namespace sotto::attest::nvidia {

inline constexpr std::string_view kRimServiceUrl = "https://rim.attestation.nvidia.com/v1/rim/";

// Gives the body of a successful answer to GET, of at most `bytes_max`, or an error; brings its own
// time-outs. A test plays it.
using HttpGet =
    std::function<Result<std::vector<uint8_t>>(const std::string& url, uint64_t bytes_max)>;

// The manifest in the service's answer {"id", "rim" (base64), …}; `malformed` when it is none, or of
// another id. Its signature is checked where it is used, so the answer's own checksum is passed over.
Result<std::vector<uint8_t>> parse_rim_answer(std::string_view json, std::string_view id);

// Adds the manifests that a report needs, under the names that verification reads. The report need not
// be verified, but what it says becomes part of a URL: only letters, digits, '.', '_' and '-' are let
// through.
Result<void> fetch_rims(Bytes report, const crypto::Certificate& leaf, const HttpGet& get,
                        Collateral& collateral, std::string_view url = kRimServiceUrl);

}  // namespace sotto::attest::nvidia

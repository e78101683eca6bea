// What AMD says of a chip and its firmware in the certificate of a report's signing key [AMD-KDS §3.1].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/snp/report.h"
#include "crypto/x509.h"

namespace sotto::attest::snp {

// Subjects' common names.
inline constexpr std::string_view kVcekName = "SEV-VCEK";
inline constexpr std::string_view kVlekName = "SEV-VLEK";

// Worth as much as the certificate's path to AMD's root, which is not looked at here.
struct EndorsementUnverified {
  SigningKey kind = SigningKey::vcek;  // by the subject's common name
  Product product = Product::milan;
  TcbBytes tcb{};             // laid out as in a report of that product
  std::vector<uint8_t> hwid;  // VCEK: the chip's identity, 64 bytes, on Turin 8
  std::string csp_id;         // VLEK: the cloud provider whose key it is
};

// `malformed` where an extension is missing, of the wrong type or beyond a byte.
Result<EndorsementUnverified> parse_endorsement(const crypto::Certificate& certificate);

// Some hand the key's certificate out in one file with those above it: the one, or the only one with a key's
// name. Nothing where there is none or more than one.
std::optional<crypto::Certificate> find_key_certificate(
    const std::vector<crypto::Certificate>& given);

}  // namespace sotto::attest::snp

// NVIDIA's reference integrity manifests: what a driver or a VBIOS must measure, as a signed SWID tag
// [ISO19770-2], [TCG-RIM].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "attest/roots.h"
#include "attest/verify_error.h"
#include "base/bytes.h"
#include "crypto/x509.h"

namespace sotto::attest::nvidia {

inline constexpr uint32_t kRimMeasurementsMax = 256;
inline constexpr uint32_t kRimAlternativesMax = 64;

struct Rim {
  std::string version;  // "535.86.09", "96.00.5E.00.01"
  std::string edition;  // "GPU" or "SWITCH"
  std::string product;  // "GH100", "LS10"
  // Of the active measurements, by index: each value that is allowed.
  std::map<uint32_t, std::vector<std::vector<uint8_t>>> allowed;
  int64_t valid_until = 0;  // of its certificates, Unix seconds
  std::string signer;       // subject of the leaf

  // Whether the version is a VBIOS's, five numbers of two hexadecimal digits, and not a driver's.
  bool is_vbios() const;
};

// The manifest, its signature and its signer's path to a pinned root at that time; certificates that a
// CRL of `crls` names are refused. Reads no value before both are checked.
Verified<Rim> verify_rim(Bytes xml, const Anchors& anchors, const std::vector<crypto::Crl>& crls,
                         int64_t time);

// For fuzzing and inspection: the same without any check of the signature or its signer. Also what
// tells whether a file is a driver's manifest or a VBIOS's (is_vbios()): nothing else in it does.
Result<Rim> parse_rim_unverified(Bytes xml);

}  // namespace sotto::attest::nvidia

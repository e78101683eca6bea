// SHA-1, SHA-384 and SHA-512 in one call, and any of the hashes by its name [FIPS180-4]; SHA-256,
// which is also needed piece by piece, is in sha256.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sotto::crypto {

// `sha1` exists for the SHA-1 banks of TPMs and their event logs; no signature over it is accepted.
enum class HashAlgorithm : uint8_t { sha1, sha256, sha384, sha512 };

// "SHA-384", as people write it.
std::string_view to_string(HashAlgorithm algorithm);
size_t digest_bytes(HashAlgorithm algorithm);

std::vector<uint8_t> hash(HashAlgorithm algorithm, Bytes bytes);

using Sha1Digest = std::array<uint8_t, 20>;
using Sha384Digest = std::array<uint8_t, 48>;
using Sha512Digest = std::array<uint8_t, 64>;

Sha1Digest sha1(Bytes bytes);
Sha384Digest sha384(Bytes bytes);
Sha512Digest sha512(Bytes bytes);

}  // namespace sotto::crypto

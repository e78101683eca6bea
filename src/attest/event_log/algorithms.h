// The hash algorithms of a TPM by their numbers [TPM2 Part 2 §6.3].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace sotto::attest::event_log {

inline constexpr uint16_t kSha1 = 0x0004, kSha256 = 0x000b, kSha384 = 0x000c, kSha512 = 0x000d;

// "sha256", as a TPM's tools write it, or "algorithm 0x…".
std::string algorithm_name(uint16_t algorithm);
// The inverse; `unsupported` for another name.
Result<uint16_t> algorithm_named(std::string_view name);

// `unsupported` for what this program cannot compute (SM3, SHA-3).
Result<crypto::HashAlgorithm> hash_algorithm(uint16_t algorithm);
Result<size_t> hash_bytes(uint16_t algorithm);

// The hash of the parts, one after the other.
Result<std::vector<uint8_t>> hash(uint16_t algorithm, std::initializer_list<Bytes> parts);

}  // namespace sotto::attest::event_log

// HKDF with SHA-256: one secret into others [RFC5869].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/secret_vector.h"

namespace sotto::crypto {

using Secret = SecretVector<uint8_t>;

inline constexpr size_t kHkdfBytes = 32;
inline constexpr size_t kHkdfExpandBytesMax = 255 * kHkdfBytes;

// 32 bytes.
Secret hkdf_extract(Bytes salt, Bytes secret);
// `size` at most kHkdfExpandBytesMax.
Secret hkdf_expand(Bytes pseudorandom_key, Bytes info, size_t size);

}  // namespace sotto::crypto

// Authenticated encryption: AES-GCM and ChaCha20-Poly1305 [RFC5116, RFC8439].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/hkdf.h"

namespace sotto::crypto {

// By their numbers in HPKE [RFC9180 §7.3].
enum class AeadId : uint16_t { aes_128_gcm = 1, aes_256_gcm = 2, chacha20_poly1305 = 3 };
std::string_view to_string(AeadId id);
inline constexpr AeadId kAeads[] = {AeadId::aes_128_gcm, AeadId::aes_256_gcm,
                                    AeadId::chacha20_poly1305};

size_t aead_key_bytes(AeadId id);
inline constexpr size_t kAeadNonceBytes = 12;
inline constexpr size_t kAeadTagBytes = 16;
using AeadNonce = std::array<uint8_t, kAeadNonceBytes>;

// `key` has aead_key_bytes(id). No nonce may be used twice with one key. The ciphertext with the tag
// behind it.
std::vector<uint8_t> aead_seal(AeadId id, Bytes key, const AeadNonce& nonce, Bytes aad,
                               Bytes plaintext);
// `untrusted` when anything was changed, and then nothing of the plaintext is given out.
Result<Secret> aead_open(AeadId id, Bytes key, const AeadNonce& nonce, Bytes aad, Bytes sealed);

}  // namespace sotto::crypto

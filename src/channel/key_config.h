// A gateway's public keys, as clients get them [RFC9458 §3].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "crypto/hpke.h"

namespace sotto::channel {

inline constexpr std::string_view kOhttpKeysType = "application/ohttp-keys";
inline constexpr size_t kKeyConfigsMax = 16;

struct KeyConfig {
  uint8_t id = 0;
  crypto::X25519Public key{};
  std::vector<crypto::AeadId> aeads;  // with HKDF-SHA256, the preferred first
};

// application/ohttp-keys: each configuration behind its length.
std::vector<uint8_t> serialize(std::span<const KeyConfig> configs);
// Configurations with another KEM, and suites that we do not know, are passed over, as [RFC9458 §3.1]
// wants; `unsupported` when none is left, `malformed` for what is no such list.
Result<std::vector<KeyConfig>> parse_key_configs(Bytes bytes);

}  // namespace sotto::channel

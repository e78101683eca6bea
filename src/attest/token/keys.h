// The public keys that tokens are believed by, as whoever verifies hands them in [RFC7517].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attest/token/jws.h"
#include "base/bytes.h"
#include "crypto/signature.h"
#include "crypto/x509.h"

namespace sotto::attest::token {

inline constexpr uint64_t kKeySetBytesMax = 1 << 20;
inline constexpr size_t kKeysMax = 128;

struct TokenKey {
  crypto::PublicKey key;
  std::optional<std::string> key_id;
  std::optional<JwsAlgorithm> algorithm;          // where the key is for one alone
  std::vector<crypto::Certificate> certificates;  // of the key, its own first; may be none
};

// One JWK, a JWK set, or PEM (certificates or public keys). Keys in a set whose type or size is not
// accepted, or which are not for signatures, are left out, as [RFC7517 §5] wants; a key whose members
// contradict each other is an error, and so is a set of which none is left. Symmetric and private keys
// are refused: whoever could read them could sign.
Result<std::vector<TokenKey>> parse_token_keys(Bytes bytes);

}  // namespace sotto::attest::token

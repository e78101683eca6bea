// A JSON Web Signature in its compact form, before anything about it is checked [RFC7515].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/verify_error.h"
#include "base/bytes.h"
#include "crypto/signature.h"
#include "crypto/x509.h"

namespace sotto::attest::token {

inline constexpr uint64_t kTokenBytesMax = 256 << 10;
inline constexpr uint64_t kHeaderBytesMax = 64 << 10;
inline constexpr uint64_t kPayloadBytesMax = 128 << 10;
inline constexpr size_t kHeaderMembersMax = 16;
inline constexpr size_t kKeyIdBytesMax = 512;
inline constexpr size_t kHeaderChainMax = 8;

// Those of [RFC7518 §3.1] and [RFC8037] that have a public key. There is no other: `none` and HMAC
// cannot be expressed.
enum class JwsAlgorithm : uint8_t {
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  es512,
  eddsa,
};
std::string_view to_string(JwsAlgorithm algorithm);
std::optional<JwsAlgorithm> jws_algorithm(std::string_view name);

// Whether a key can make such signatures at all.
bool fits(JwsAlgorithm algorithm, crypto::KeyType type);

struct JwsUnverified {
  JwsAlgorithm algorithm{};
  std::optional<std::string> key_id;
  std::optional<std::string> key_url;  // `jku`: never fetched, only compared with what is expected
  std::vector<crypto::Certificate> certificates;  // `x5c`, the signer's first
  std::string_view signing_input;                 // borrowed
  std::vector<uint8_t> payload;
  std::vector<uint8_t> signature;
};

// `unsigned_evidence` for the algorithm "none"; `unsupported` for HMAC, unknown algorithms, encrypted
// tokens and headers that change what is signed (`crit`, `b64`, `zip`); `malformed` for the rest. An
// embedded key (`jwk`) and links (`jku`, `x5u`) are passed over: who sends a token does not choose
// whom we believe.
Verified<JwsUnverified> parse_jws(std::string_view compact);

// `bad_signature` unless it is that key's; `unsupported` when the key does not fit the algorithm.
Verified<void> verify_jws(const JwsUnverified& jws, const crypto::PublicKey& key);

}  // namespace sotto::attest::token

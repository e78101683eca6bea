// Tokens of our own making, in the real format, by keys that protect nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/text_encoding.h"
#include "crypto/issue.h"

namespace sotto::attest::token {

inline std::string base64url(std::string_view text) {
  return base64_of(as_bytes(text), Base64::url);
}

// Both as JSON text; signed as it stands, whatever the header says.
inline std::string make_token(std::string_view header, std::string_view payload,
                              const crypto::KeyPair& signer, crypto::SignatureScheme scheme,
                              crypto::HashAlgorithm hash) {
  const std::string signing_input = base64url(header) + "." + base64url(payload);
  return signing_input + "." +
         base64_of(signer.sign(scheme, hash, as_bytes(signing_input)), Base64::url);
}

// With ES384, what most tests need.
inline std::string make_token(std::string_view header, std::string_view payload,
                              const crypto::KeyPair& signer) {
  return make_token(header, payload, signer, crypto::SignatureScheme::ecdsa_raw,
                    crypto::HashAlgorithm::sha384);
}

// The members of a JWK of a key on P-384.
inline std::string p384_jwk(const crypto::PublicKey& key, std::string_view more = "") {
  const std::vector<uint8_t> point = key.ec_point();
  const Bytes bytes(point);
  return R"({"kty":"EC","crv":"P-384","x":")" + base64_of(bytes.first(48), Base64::url) +
         R"(","y":")" + base64_of(bytes.subspan(48), Base64::url) + "\"" + std::string(more) + "}";
}

}  // namespace sotto::attest::token

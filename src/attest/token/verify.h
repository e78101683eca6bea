// Verification of attestation services' tokens: a service says what it has verified, and we verify
// that it was the service.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attest/claims.h"
#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/verify_error.h"
#include "base/bytes.h"

namespace sotto::attest::token {

// The service's keys: a JWK, a JWK set or PEM.
inline constexpr std::string_view kTokenKeys = "jwks.json";

struct TokenOptions {
  // What the asker sent. Empty: the token's nonce is only a claim. A token writes bytes as text, so
  // theirs in hexadecimal or base64 is the same nonce.
  std::vector<uint8_t> nonce = {};
  std::string issuer = {};    // exactly; empty: any that belongs to the service
  std::string audience = {};  // one of the token's; empty: any
};

// Rules of all of them, in this order: token-keys (which can be read), token-format, token-key (a given key of that id and algorithm,
// or the header's certificates to a pinned root), token-key-certificate (where the key has one),
// token-signature, token-payload, token-not-before, token-issued, token-expiry, token-issuer,
// token-audience and nonce (with one), token-claims. A token is good while time < exp; nbf and iat may be up to a
// minute ahead. Debug and out-of-date platforms are claims that a policy judges.

// Microsoft Azure Attestation: SEV-SNP, TDX and SGX, and Azure VMs on them.
Verified<Claims> verify_maa_token(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time, const TokenOptions& options = {});

// Intel Trust Authority: TDX and SGX. Keys that come with certificates must lead to Intel's root.
Verified<Claims> verify_ita_token(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time, const TokenOptions& options = {});

// Google Confidential Space, with certificates to Google's root or signed by a given key.
Verified<Claims> verify_google_cs_token(Bytes evidence, const Collateral& collateral,
                                        const Roots& roots, int64_t time,
                                        const TokenOptions& options = {});

// NVIDIA Remote Attestation Service: its answer as JSON, one token over all and one for each device,
// named by digest. Every device must be there, and none beside.
Verified<Claims> verify_nras_token(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                   int64_t time, const TokenOptions& options = {});

// An Entity Attestation Token of any service whose key is given; `options.issuer` says whose it must
// be. Rules beside those of all tokens: eat (a nonce or a profile, without either of which it is none). Debug
// is claimed unless the token says that it is disabled.
Verified<Claims> verify_eat_token(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time, const TokenOptions& options = {});

}  // namespace sotto::attest::token

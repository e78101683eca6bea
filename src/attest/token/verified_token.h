// What all attestation tokens have in common: a signature by a key we believe, and times.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attest/roots.h"
#include "attest/token/keys.h"
#include "attest/token/verify.h"
#include "attest/verify_error.h"

namespace sotto::attest::token {

inline constexpr int64_t kClockSkewSeconds = 60;

// Whom to believe.
struct TokenTrust {
  std::vector<TokenKey> keys;
  // Where not null: certificates in a token's header count when they lead to one of these.
  const Anchors* header_roots = nullptr;
  // Where not null and not empty: a given key's certificates must lead to one of these.
  const Anchors* key_roots = nullptr;
};

struct VerifiedToken {
  boost::json::object payload;
  std::string issuer;
  std::optional<std::string> key_url;
  int64_t issued_at = 0;  // iat, or nbf where there is none
  int64_t valid_until = 0;
};

// The keys of the collateral; none where there are none, which only header_roots can make up for.
Verified<std::vector<TokenKey>> keys_of(const Collateral& collateral);

// Everything up to the payload and its times; records the rules.
Verified<VerifiedToken> verify_token(std::string_view compact, const TokenTrust& trust,
                                     int64_t time, RuleList& rules);

// Issuer, audience and nonce as far as the options name them. `nonces` are the texts in the token.
Verified<void> check_options(const VerifiedToken& token, const std::vector<std::string>& nonces,
                             const TokenOptions& options, RuleList& rules);

// "https://HOST/…" → HOST; empty for anything else.
std::string_view https_host(std::string_view url);

// The text of an evidence, without line ends behind it.
std::string_view text_of(Bytes evidence);

// `eat_nonce`, which is one text or a list of them [RFC9711 §4.1].
std::vector<std::string> eat_nonces(const boost::json::object& payload);

// The same, but a refusal that no rule has named is one of the rule token-claims: the token says
// something in another form than its service does.
Verified<Claims> with_last_rule(Verified<Claims> result, RuleList& rules);

// Claims of every token.
Claims start_claims(EvidenceKind kind, const VerifiedToken& token, int64_t time);

}  // namespace sotto::attest::token

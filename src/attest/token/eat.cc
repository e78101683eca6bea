// Entity Attestation Tokens whose issuer we know nothing about but its key [RFC9711].
// SPDX-License-Identifier: Apache-2.0
#include "attest/json/strict_json.h"
#include "attest/token/tee_fields.h"
#include "attest/token/verified_token.h"

namespace sotto::attest::token {

namespace {

Verified<Claims> verify(Bytes evidence, const Collateral& collateral, const Roots&, int64_t time,
                        const TokenOptions& options, RuleList& rules) {
  const TokenTrust trust{
      TRY(rules.check("token-keys", "keys that can be read", keys_of(collateral))), nullptr,
      nullptr};
  const VerifiedToken token = TRY(verify_token(text_of(evidence), trust, time, rules));
  TRY(rules.require("token-issuer", !token.issuer.empty(), Reason::malformed,
                    "an issuer, whose key was given",
                    token.issuer.empty() ? "none" : token.issuer));
  const std::vector<std::string> nonces = eat_nonces(token.payload);
  const Result<std::string_view> profile = json_string(token.payload, "eat_profile", "payload");
  TRY(rules.require("eat", !nonces.empty() || profile, Reason::wrong_kind,
                    "a nonce or a profile of an EAT", "neither"));
  TRY(check_options(token, nonces, options, rules));

  Claims claims = start_claims(EvidenceKind::eat_token, token, time);
  claims.platform = "eat";
  if (profile) claims.notes.emplace("profile", *profile);
  for (std::string_view name :
       {"ueid", "oemid", "hwmodel", "hwversion", "swname", "swversion", "intuse", "measres"}) {
    note(token.payload, name, name, claims);
  }
  flag(token.payload, "secboot", "secure_boot", claims);
  note(token.payload, "dbgstat", "debug_status", claims);
  const Result<std::string_view> debug = json_string(token.payload, "dbgstat", "payload");
  claims.debug = !debug || !debug->starts_with("disabled");
  claims.rules = rules.rules();
  return claims;
}

}  // namespace

Verified<Claims> verify_eat_token(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time, const TokenOptions& options) {
  RuleList rules;
  return with_last_rule(verify(evidence, collateral, roots, time, options, rules), rules);
}

}  // namespace sotto::attest::token

// Tokens of Intel Trust Authority [ITA].
// SPDX-License-Identifier: Apache-2.0
#include "attest/json/strict_json.h"
#include "attest/token/tee_fields.h"
#include "attest/token/verified_token.h"

namespace sotto::attest::token {
namespace {

namespace json = boost::json;

constexpr std::string_view kIssuerName = "Intel Trust Authority";
constexpr std::string_view kDomain = ".trustauthority.intel.com";

bool is_service(std::string_view issuer) {
  return issuer == kIssuerName || https_host(issuer).ends_with(kDomain);
}

std::vector<std::string> nonces_of(const json::object& payload, const json::object& tee) {
  std::vector<std::string> nonces = eat_nonces(payload);
  for (const json::object* object : {&payload, &tee}) {
    const json::object* nonce = find_object(*object, "verifier_nonce");
    if (nonce == nullptr) continue;
    if (const auto value = json_string(*nonce, "val", "nonce")) nonces.emplace_back(*value);
  }
  return nonces;
}

Verified<void> read_tee(const json::object& payload, const json::object& tee, RuleList& rules,
                        Claims& claims) {
  const json::object& named = payload.contains("attester_type") ? payload : tee;
  const std::string_view type = TRY(lift("token", json_string(named, "attester_type", "payload")));
  if (type == "TDX") {
    TRY(read_tdx(tee, claims));
  } else if (type == "SGX") {
    TRY(read_sgx(tee, "sgx_", claims));
    claims.report_data = TRY(need_hex(tee, "sgx_report_data"));
  } else {
    return refuse(Reason::unsupported, "attester type \"{}\" is not known", type);
  }
  // Where the status is missing, nobody has looked at the platform's version.
  const json::object& rated = payload.contains("attester_tcb_status") ? payload : tee;
  TRY(rules.require("tcb-status", rated.contains("attester_tcb_status"), Reason::malformed,
                    "a TCB status", "none"));
  return read_intel_tcb(rated, rules, claims);
}

Verified<Claims> verify(Bytes evidence, const Collateral& collateral, const Roots& roots,
                        int64_t time, const TokenOptions& options, RuleList& rules) {
  const Anchors& anchors = roots.of(Vendor::intel_trust_authority);
  const TokenTrust trust{
      TRY(rules.check("token-keys", "keys that can be read", keys_of(collateral))), nullptr,
      &anchors};
  const VerifiedToken token = TRY(verify_token(text_of(evidence), trust, time, rules));
  TRY(rules.require("token-issuer", is_service(token.issuer), Reason::identity_mismatch,
                    std::string(kIssuerName), token.issuer));
  if (token.key_url) {
    TRY(rules.require("token-key-url", https_host(*token.key_url).ends_with(kDomain),
                      Reason::identity_mismatch, "https://…" + std::string(kDomain),
                      *token.key_url));
  }
  // Later versions have the TEE's members in an object of their own.
  const json::object* nested = find_object(token.payload, "tdx");
  if (nested == nullptr) nested = find_object(token.payload, "sgx");
  const json::object& tee = nested == nullptr ? token.payload : *nested;
  const std::vector<std::string> nonces = nonces_of(token.payload, tee);
  TRY(check_options(token, nonces, options, rules));

  Claims claims = start_claims(EvidenceKind::ita_token, token, time);
  claims.root_replaced = anchors.replaced;
  claims.notes.emplace("service", kIssuerName);
  TRY(read_tee(token.payload, tee, rules, claims));
  const json::object& debugged = token.payload.contains("dbgstat") ? token.payload : tee;
  const std::string_view debug = TRY(lift("token", json_string(debugged, "dbgstat", "payload")));
  if (!debug.starts_with("disabled")) claims.debug = true;
  claims.rules = rules.rules();
  return claims;
}

}  // namespace

Verified<Claims> verify_ita_token(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time, const TokenOptions& options) {
  RuleList rules;
  return with_last_rule(verify(evidence, collateral, roots, time, options, rules), rules);
}

}  // namespace sotto::attest::token

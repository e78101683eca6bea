// The checks that all attestation tokens go through.
// SPDX-License-Identifier: Apache-2.0
#include "attest/token/verified_token.h"

#include <algorithm>

#include "attest/json/strict_json.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest::token {
namespace {

namespace json = boost::json;
using crypto::Certificate;

constexpr int64_t kTimeMax = 253402300799;  // the end of the year 9999
constexpr size_t kNoncesMax = 16;

struct ChosenKey {
  crypto::PublicKey key;
  std::vector<Certificate> certificates;
  bool from_header = false;
};

// Header certificates count only where the caller has roots for them, and then they must lead there.
Verified<std::vector<ChosenKey>> choose_keys(const JwsUnverified& jws, const TokenTrust& trust) {
  std::vector<ChosenKey> chosen;
  if (!jws.certificates.empty() && trust.header_roots != nullptr) {
    chosen.push_back(
        {TRY(lift("x5c", jws.certificates.front().public_key())), jws.certificates, true});
    return chosen;
  }
  if (trust.keys.empty()) {
    return refuse(Reason::missing_collateral, "no keys are given to check the token by");
  }
  for (const TokenKey& key : trust.keys) {
    const bool id_fits = !key.key_id || !jws.key_id || *key.key_id == *jws.key_id;
    const bool algorithm_fits =
        fits(jws.algorithm, key.key.type()) && (!key.algorithm || *key.algorithm == jws.algorithm);
    if (id_fits && algorithm_fits) chosen.push_back({key.key, key.certificates, false});
  }
  if (chosen.empty()) {
    return refuse(Reason::wrong_collateral,
                  "none of the {} given keys is of the token's id \"{}\" and algorithm {}",
                  trust.keys.size(), jws.key_id.value_or(""), to_string(jws.algorithm));
  }
  return chosen;
}

// The first to expire of the key's certificates, which must hold at `time`.
Verified<int64_t> check_certificates(const ChosenKey& key, const Anchors* roots, int64_t time) {
  if (roots != nullptr && (key.from_header || !roots->roots.empty())) {
    std::vector<Certificate> rest(key.certificates.begin() + 1, key.certificates.end());
    rest.insert(rest.end(), roots->intermediates.begin(), roots->intermediates.end());
    const std::vector<Certificate> path = TRY(
        lift("token key", crypto::verify_chain(key.certificates[0], rest, roots->roots, {}, time)));
    int64_t until = INT64_MAX;
    for (const Certificate& certificate : path) until = std::min(until, certificate.not_after());
    return until;
  }
  // The key is believed because it was given; its certificate still says for how long.
  const Certificate& own = key.certificates.front();
  if (time < own.not_before()) {
    return refuse(Reason::not_yet_valid, "the key's certificate is valid from {}, after {}",
                  utc_time_text(own.not_before()), utc_time_text(time));
  }
  if (time > own.not_after()) {
    return refuse(Reason::expired, "the key's certificate was valid until {}, before {}",
                  utc_time_text(own.not_after()), utc_time_text(time));
  }
  return own.not_after();
}

// The key that signed, among those that may have.
Verified<const ChosenKey*> find_signer(const JwsUnverified& jws,
                                       const std::vector<ChosenKey>& keys) {
  Verified<void> last;
  for (const ChosenKey& key : keys) {
    last = verify_jws(jws, key.key);
    if (last) return &key;
  }
  return std::unexpected(last.error());
}

Verified<std::optional<int64_t>> read_time(const json::object& payload, std::string_view name) {
  if (!payload.contains({name.data(), name.size()})) return std::optional<int64_t>();
  const int64_t value = TRY(lift("token", json_integer(payload, name, "payload")));
  if (value < 0 || value > kTimeMax) {
    return refuse(Reason::malformed, "the token's {} is {}", name, value);
  }
  return std::optional<int64_t>(value);
}

Verified<void> check_times(VerifiedToken& token, int64_t time, RuleList& rules) {
  const std::optional<int64_t> not_before = TRY(read_time(token.payload, "nbf"));
  const std::optional<int64_t> issued = TRY(read_time(token.payload, "iat"));
  const std::optional<int64_t> expiry = TRY(read_time(token.payload, "exp"));
  const std::string now = utc_time_text(time);
  if (not_before) {
    TRY(rules.require("token-not-before", *not_before <= time + kClockSkewSeconds,
                      Reason::not_yet_valid, "not before " + utc_time_text(*not_before), now));
  }
  if (issued) {
    TRY(rules.require("token-issued", *issued <= time + kClockSkewSeconds, Reason::not_yet_valid,
                      "issued " + utc_time_text(*issued), now));
  }
  TRY(rules.require(
      "token-expiry", expiry && time < *expiry, expiry ? Reason::expired : Reason::malformed,
      expiry ? "before " + utc_time_text(*expiry) : "a time of expiry", expiry ? now : "none"));
  token.issued_at = issued.value_or(not_before.value_or(0));
  token.valid_until = std::min(token.valid_until, *expiry);
  return {};
}

bool is_same_nonce(std::string_view text, Bytes nonce) {
  const std::string_view raw(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  if (text == raw) return true;
  for (const Base64 alphabet : {Base64::standard, Base64::url}) {
    const Result<std::vector<uint8_t>> bytes = bytes_of_base64(text, alphabet);
    if (bytes && std::equal(bytes->begin(), bytes->end(), nonce.begin(), nonce.end())) return true;
  }
  const Result<std::vector<uint8_t>> bytes = bytes_of_hex(text);
  return bytes && std::equal(bytes->begin(), bytes->end(), nonce.begin(), nonce.end());
}

bool has_audience(const json::object& payload, std::string_view audience) {
  const json::value* value = payload.if_contains("aud");
  if (value == nullptr) return false;
  const json::string_view wanted(audience.data(), audience.size());
  if (value->is_string()) return value->get_string() == wanted;
  if (!value->is_array()) return false;
  return std::any_of(
      value->get_array().begin(), value->get_array().end(),
      [&](const json::value& item) { return item.is_string() && item.get_string() == wanted; });
}

}  // namespace

Verified<std::vector<TokenKey>> keys_of(const Collateral& collateral) {
  const std::optional<Bytes> bytes = collateral.find(kTokenKeys);
  if (!bytes) return std::vector<TokenKey>();
  return lift(kTokenKeys, parse_token_keys(*bytes));
}

Verified<VerifiedToken> verify_token(std::string_view compact, const TokenTrust& trust,
                                     int64_t time, RuleList& rules) {
  const JwsUnverified jws =
      TRY(rules.check("token-format", "a signed JSON web token", parse_jws(compact)));
  const std::vector<ChosenKey> keys =
      TRY(rules.check("token-key", "a key that is believed", choose_keys(jws, trust)));
  const ChosenKey& signer =
      *TRY(rules.check("token-signature", "by a key that is believed", find_signer(jws, keys)));
  VerifiedToken token;
  token.valid_until = INT64_MAX;
  if (!signer.certificates.empty()) {
    const Anchors* roots = signer.from_header ? trust.header_roots : trust.key_roots;
    token.valid_until = TRY(rules.check("token-key-certificate", "valid at the time",
                                        check_certificates(signer, roots, time)));
  }
  const std::string_view text(reinterpret_cast<const char*>(jws.payload.data()),
                              jws.payload.size());
  json::value payload =
      TRY(rules.check("token-payload", "a JSON object",
                      lift("token payload", parse_strict_json(text, kPayloadBytesMax))));
  if (!payload.is_object()) return refuse(Reason::malformed, "the token's payload is no object");
  token.payload = std::move(payload.get_object());
  token.key_url = jws.key_url;
  if (const Result<std::string_view> issuer = json_string(token.payload, "iss", "payload")) {
    token.issuer = *issuer;
  }
  TRY(check_times(token, time, rules));
  return token;
}

Verified<void> check_options(const VerifiedToken& token, const std::vector<std::string>& nonces,
                             const TokenOptions& options, RuleList& rules) {
  if (!options.issuer.empty()) {
    TRY(rules.require("token-issuer-expected", token.issuer == options.issuer,
                      Reason::identity_mismatch, options.issuer, token.issuer));
  }
  if (!options.audience.empty()) {
    TRY(rules.require("token-audience", has_audience(token.payload, options.audience),
                      Reason::binding_mismatch, options.audience, "another, or none"));
  }
  if (!options.nonce.empty()) {
    const bool found = std::any_of(nonces.begin(), nonces.end(), [&](const std::string& text) {
      return is_same_nonce(text, options.nonce);
    });
    TRY(rules.require("nonce", found, Reason::binding_mismatch, hex_of(options.nonce),
                      nonces.empty() ? "none" : nonces.front()));
  }
  return {};
}

std::string_view https_host(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return {};
  url.remove_prefix(kScheme.size());
  const std::string_view host = url.substr(0, url.find('/'));
  // Whatever else can stand there (user, port, query) could mislead a comparison of names.
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  return plain ? host : std::string_view();
}

std::string_view text_of(Bytes evidence) {
  std::string_view text = as_text(evidence);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

std::vector<std::string> eat_nonces(const json::object& payload) {
  std::vector<std::string> nonces;
  const json::value* value = payload.if_contains("eat_nonce");
  if (value == nullptr) return nonces;
  if (value->is_string()) nonces.emplace_back(value->get_string());
  if (!value->is_array()) return nonces;
  for (const json::value& item : value->get_array()) {
    if (item.is_string() && nonces.size() < kNoncesMax) nonces.emplace_back(item.get_string());
  }
  return nonces;
}

Verified<Claims> with_last_rule(Verified<Claims> result, RuleList& rules) {
  if (result || !result.error().rules.empty()) return result;
  rules.record("token-claims", RuleVerdict::failed, "claims in the service's form",
               result.error().message);
  result.error().rules = rules.rules();
  return result;
}

Claims start_claims(EvidenceKind kind, const VerifiedToken& token, int64_t time) {
  Claims claims;
  claims.kind = kind;
  claims.verified_at = time;
  claims.issued_at = token.issued_at;
  claims.valid_until = token.valid_until;
  claims.notes.emplace("issuer", token.issuer);
  int number = 0;  // "eat_nonce", "eat_nonce2", …
  for (const std::string& nonce : eat_nonces(token.payload)) {
    ++number;
    claims.values.emplace(number == 1 ? "eat_nonce" : fmt::format("eat_nonce{}", number),
                          std::vector<uint8_t>(nonce.begin(), nonce.end()));
  }
  return claims;
}

}  // namespace sotto::attest::token

// Tokens of Microsoft Azure Attestation [MAA].
// SPDX-License-Identifier: Apache-2.0
#include "attest/json/strict_json.h"
#include "attest/token/tee_fields.h"
#include "attest/token/verified_token.h"
#include "base/text_encoding.h"

namespace sotto::attest::token {
namespace {

namespace json = boost::json;

// Where the service's instances are, in Azure's clouds.
constexpr std::string_view kDomains[] = {".attest.azure.net", ".attest.azure.us",
                                         ".attest.azure.cn"};

bool is_instance(std::string_view issuer) {
  const std::string_view host = https_host(issuer);
  if (issuer.size() != host.size() + std::string_view("https://").size()) return false;
  for (std::string_view domain : kDomains) {
    if (host.ends_with(domain) && host.size() > domain.size()) return true;
  }
  return false;
}

Verified<void> read_guest(const json::object& object, std::string_view type, Claims& claims) {
  if (type == "sevsnpvm") return read_azure_snp(object, claims);
  if (type == "tdxvm") return read_tdx(object, claims);
  if (type == "sgx") return read_sgx(object, "x-ms-sgx-", claims);
  return refuse(Reason::unsupported, "attestation type \"{}\" is not known", type);
}

// A virtual machine by its vTPM: what the paravisor's hardware said stands one level below.
Verified<void> read_virtual_machine(const json::object& payload, RuleList& rules, Claims& claims) {
  const json::object* tee = find_object(payload, "x-ms-isolation-tee");
  TRY(rules.require("isolation-tee", tee != nullptr, Reason::wrong_kind,
                    "a confidential virtual machine", tee == nullptr ? "one without" : "one"));
  TRY(read_guest(*tee, TRY(lift("token", json_string(*tee, "x-ms-attestation-type", "TEE"))),
                 claims));
  note(*tee, "x-ms-compliance-status", "compliance_status", claims);
  for (const char* name : {"bootdebug", "hypervisordebug", "kerneldebug"}) {
    const std::string field = "x-ms-azurevm-" + std::string(name) + "-enabled";
    if (json_bool(payload, field, "payload").value_or(false)) claims.debug = true;
    flag(payload, field, name, claims);
  }
  flag(payload, "x-ms-azurevm-testsigning-enabled", "testsigning", claims);
  note(payload, "x-ms-azurevm-osdistro", "os_distro", claims);
  note(payload, "x-ms-azurevm-vmid", "vm_id", claims);
  return {};
}

std::vector<std::string> nonces_of(const json::object& payload) {
  std::vector<std::string> nonces = eat_nonces(payload);
  if (const auto nonce = json_string(payload, "nonce", "payload")) nonces.emplace_back(*nonce);
  const json::object* runtime = find_object(payload, "x-ms-runtime");
  if (runtime == nullptr) return nonces;
  if (const auto nonce = json_string(*runtime, "nonce", "runtime")) nonces.emplace_back(*nonce);
  const json::object* client = find_object(*runtime, "client-payload");
  if (client == nullptr) return nonces;
  if (const auto nonce = json_string(*client, "nonce", "client")) nonces.emplace_back(*nonce);
  return nonces;
}

Verified<Claims> verify(Bytes evidence, const Collateral& collateral, const Roots&, int64_t time,
                        const TokenOptions& options, RuleList& rules) {
  const TokenTrust trust{
      TRY(rules.check("token-keys", "keys that can be read", keys_of(collateral))), nullptr,
      nullptr};
  const VerifiedToken token = TRY(verify_token(text_of(evidence), trust, time, rules));
  TRY(rules.require("token-issuer", is_instance(token.issuer), Reason::identity_mismatch,
                    "https://….attest.azure.net", token.issuer));
  if (token.key_url) {
    TRY(rules.require("token-key-url", *token.key_url == token.issuer + "/certs",
                      Reason::identity_mismatch, token.issuer + "/certs", *token.key_url));
  }
  const std::vector<std::string> nonces = nonces_of(token.payload);
  TRY(check_options(token, nonces, options, rules));

  Claims claims = start_claims(EvidenceKind::maa_token, token, time);
  claims.notes.emplace("service", "Microsoft Azure Attestation");
  for (const std::string& nonce : nonces) {
    claims.values.emplace("nonce", std::vector<uint8_t>(nonce.begin(), nonce.end()));
  }
  const std::string type(
      TRY(lift("token", json_string(token.payload, "x-ms-attestation-type", "payload"))));
  claims.notes.emplace("attestation_type", type);
  if (type == "azurevm") {
    TRY(read_virtual_machine(token.payload, rules, claims));
  } else {
    TRY(read_guest(token.payload, type, claims));
    TRY(read_intel_tcb(token.payload, rules, claims));
    note(token.payload, "x-ms-compliance-status", "compliance_status", claims);
  }
  flag(token.payload, "secureboot", "secure_boot", claims);
  note(token.payload, "x-ms-policy-hash", "policy_hash", claims);
  claims.rules = rules.rules();
  return claims;
}

}  // namespace

Verified<Claims> verify_maa_token(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                  int64_t time, const TokenOptions& options) {
  RuleList rules;
  return with_last_rule(verify(evidence, collateral, roots, time, options, rules), rules);
}

}  // namespace sotto::attest::token

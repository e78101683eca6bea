// Answers of NVIDIA's Remote Attestation Service: a detached EAT bundle
// [NVIDIA-ATTESTATION].
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "attest/json/strict_json.h"
#include "attest/token/tee_fields.h"
#include "attest/token/verified_token.h"
#include "base/text_encoding.h"
#include "crypto/sha256.h"

namespace sotto::attest::token {
namespace {

namespace json = boost::json;

constexpr std::string_view kIssuer = "https://nras.attestation.nvidia.com";
constexpr uint64_t kAnswerBytesMax = 1 << 20;
constexpr size_t kDevicesMax = 64;

// ["JWT", token] and {"GPU-0": token, …}, both in a list.
struct Answer {
  std::string overall;
  std::vector<std::pair<std::string, std::string>> devices;
};

std::unexpected<VerifyError> no_answer() {
  return refuse(Reason::malformed, "the answer is no list of a token and its devices' tokens");
}

Verified<Answer> parse_answer(std::string_view text) {
  const json::value value = TRY(lift("answer", parse_strict_json(text, kAnswerBytesMax)));
  const json::array* list = value.if_array();
  if (list == nullptr || list->size() != 2) return no_answer();
  const json::array* overall = list->front().if_array();
  const json::object* devices = list->back().if_object();
  if (overall == nullptr || overall->size() != 2 || devices == nullptr) return no_answer();
  if (!overall->front().is_string() || overall->front().get_string() != "JWT" ||
      !overall->back().is_string()) {
    return no_answer();
  }
  if (devices->empty() || devices->size() > kDevicesMax) {
    return refuse(Reason::malformed, "the answer is about {} devices, 1 to {} are allowed",
                  devices->size(), kDevicesMax);
  }
  Answer answer;
  answer.overall = std::string(overall->back().get_string());
  for (const auto& [name, token] : *devices) {
    if (!token.is_string()) return no_answer();
    answer.devices.emplace_back(name, std::string(token.get_string()));
  }
  return answer;
}

// ["DIGEST", ["SHA-256", hexadecimal]] of each device, which bind their tokens to the one over all.
Verified<void> check_digests(const Answer& answer, const json::object& payload, RuleList& rules) {
  const json::object& submods = *TRY(lift("token", json_object(payload, "submods", "payload")));
  TRY(rules.require("devices", submods.size() == answer.devices.size(), Reason::binding_mismatch,
                    fmt::format("{} devices", submods.size()),
                    fmt::format("{}", answer.devices.size())));
  for (const auto& [name, token] : answer.devices) {
    const json::value* entry = submods.if_contains(name);
    const json::array* pair = entry == nullptr ? nullptr : entry->if_array();
    const json::array* digest =
        pair != nullptr && pair->size() == 2 ? pair->back().if_array() : nullptr;
    const bool well_formed =
        digest != nullptr && digest->size() == 2 && pair->front() == json::value("DIGEST") &&
        digest->front() == json::value("SHA-256") && digest->back().is_string();
    const std::string actual = hex_of(crypto::sha256(as_bytes(token)));
    const std::string expected =
        well_formed ? std::string(digest->back().get_string()) : "no SHA-256 digest";
    TRY(rules.require("digest-of-" + name, expected == actual, Reason::binding_mismatch, expected,
                      actual));
  }
  return {};
}

Verified<void> require_text(const json::object& payload, std::string_view member,
                            std::string_view wanted, std::string_view device, Reason reason,
                            RuleList& rules) {
  const std::string text(
      json_string(payload, member, "payload").value_or(std::string_view("none")));
  return rules.require(fmt::format("{}-of-{}", member, device), text == wanted, reason,
                       std::string(wanted), text);
}

Verified<void> read_device(const std::string& name, const VerifiedToken& device,
                           const VerifiedToken& overall, RuleList& rules, Claims& claims) {
  const json::object& payload = device.payload;
  TRY(rules.require("issuer-of-" + name, device.issuer == kIssuer, Reason::identity_mismatch,
                    std::string(kIssuer), device.issuer));
  TRY(rules.require("nonce-of-" + name, eat_nonces(payload) == eat_nonces(overall.payload),
                    Reason::binding_mismatch, "the nonce of the answer", "another"));
  TRY(require_text(payload, "measres", "success", name, Reason::measurement_mismatch, rules));
  const std::string debug(json_string(payload, "dbgstat", "payload").value_or("none"));
  if (debug != "disabled") claims.debug = true;
  const bool is_switch = name.starts_with("SWITCH");
  const std::string prefix = is_switch ? "x-nvidia-switch-" : "x-nvidia-gpu-";
  note(payload, "hwmodel", name + ".model", claims);
  note(payload, "ueid", name + ".ueid", claims);
  note(payload, prefix + "driver-version", name + ".driver_version", claims);
  note(payload, prefix + (is_switch ? "bios-version" : "vbios-version"), name + ".vbios_version",
       claims);
  flag(payload, "secboot", name + ".secure_boot", claims);
  return {};
}

Verified<Claims> verify(Bytes evidence, const Collateral& collateral, const Roots&, int64_t time,
                        const TokenOptions& options, RuleList& rules) {
  const Answer answer = TRY(rules.check("answer-format", "a token and its devices' tokens",
                                        parse_answer(text_of(evidence))));
  const TokenTrust trust{
      TRY(rules.check("token-keys", "keys that can be read", keys_of(collateral))), nullptr,
      nullptr};
  const VerifiedToken overall = TRY(verify_token(answer.overall, trust, time, rules));
  TRY(rules.require("token-issuer", overall.issuer == kIssuer, Reason::identity_mismatch,
                    std::string(kIssuer), overall.issuer));
  const std::vector<std::string> nonces = eat_nonces(overall.payload);
  TRY(check_options(overall, nonces, options, rules));
  TRY(check_digests(answer, overall.payload, rules));

  Claims claims = start_claims(EvidenceKind::nras_token, overall, time);
  claims.platform = "nvidia-gpu";
  claims.notes.emplace("service", "NVIDIA Remote Attestation Service");
  if (nonces.size() == 1) {
    if (const Result<std::vector<uint8_t>> nonce = bytes_of_hex(nonces.front())) {
      claims.report_data = *nonce;
    }
  }
  const bool result =
      json_bool(overall.payload, "x-nvidia-overall-att-result", "payload").value_or(false);
  for (const auto& [name, text] : answer.devices) {
    const VerifiedToken device = TRY(verify_token(text, trust, time, rules));
    TRY(read_device(name, device, overall, rules, claims));
    claims.valid_until = std::min(*claims.valid_until, device.valid_until);
  }
  TRY(rules.require("overall-result", result, Reason::measurement_mismatch, "true",
                    result ? "true" : "false or none"));
  claims.notes.emplace("devices", fmt::format("{}", answer.devices.size()));
  claims.rules = rules.rules();
  return claims;
}

}  // namespace

Verified<Claims> verify_nras_token(Bytes evidence, const Collateral& collateral, const Roots& roots,
                                   int64_t time, const TokenOptions& options) {
  RuleList rules;
  return with_last_rule(verify(evidence, collateral, roots, time, options, rules), rules);
}

}  // namespace sotto::attest::token

// Tokens of Google's Confidential Space [CONFIDENTIAL-SPACE].
// SPDX-License-Identifier: Apache-2.0
#include "attest/json/strict_json.h"
#include "attest/token/tee_fields.h"
#include "attest/token/verified_token.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"

namespace sotto::attest::token {
namespace {

namespace json = boost::json;

constexpr std::string_view kIssuer = "https://confidentialcomputing.googleapis.com";
constexpr std::string_view kImagePrefix = "sha256:";
constexpr size_t kImageDigestBytes = 32;

Verified<std::string> platform_of(std::string_view model) {
  if (model == "GCP_INTEL_TDX") return std::string("intel-tdx");
  if (model == "GCP_AMD_SEV") return std::string("amd-sev");
  if (model == "GCP_AMD_SEV_SNP") return std::string("amd-sev-snp");
  return refuse(Reason::unsupported, "the hardware model \"{}\" is no known TEE", model);
}

Verified<std::vector<uint8_t>> image_digest(const json::object& container, std::string_view name) {
  const std::string_view text = TRY(lift("token", json_string(container, name, "container")));
  if (!text.starts_with(kImagePrefix)) {
    return refuse(Reason::malformed, "{} is no SHA-256 digest", name);
  }
  std::vector<uint8_t> digest = TRY(lift(name, bytes_of_hex(text.substr(kImagePrefix.size()))));
  if (digest.size() != kImageDigestBytes) {
    return refuse(Reason::malformed, "{} has {} bytes", name, digest.size());
  }
  return digest;
}

Verified<void> read_workload(const json::object& payload, Claims& claims) {
  const json::object& submods = *TRY(lift("token", json_object(payload, "submods", "payload")));
  const json::object& container = *TRY(lift("token", json_object(submods, "container", "submods")));
  claims.measurements.emplace("image_digest", TRY(image_digest(container, "image_digest")));
  if (container.contains("image_id")) {
    claims.measurements.emplace("image_id", TRY(image_digest(container, "image_id")));
  }
  note(container, "image_reference", "image_reference", claims);
  note(container, "restart_policy", "restart_policy", claims);
  if (const json::object* space = find_object(submods, "confidential_space")) {
    if (const json::object* monitoring = find_object(*space, "monitoring_enabled")) {
      flag(*monitoring, "memory", "memory_monitoring", claims);
    }
  }
  if (const json::object* gce = find_object(submods, "gce")) {
    note(*gce, "project_id", "project_id", claims);
    note(*gce, "zone", "zone", claims);
    note(*gce, "instance_id", "instance_id", claims);
  }
  return {};
}

Verified<void> read_tcb(const json::object& payload, RuleList& rules, Claims& claims) {
  const json::object* tdx = find_object(payload, "tdx");
  if (tdx == nullptr || !tdx->contains("gcp_attester_tcb_status")) return {};
  Tcb tcb;
  tcb.status = TRY(lift("token", json_string(*tdx, "gcp_attester_tcb_status", "tdx")));
  const std::optional<TcbGrade> grade = grade_of_status(tcb.status);
  if (!grade) return refuse(Reason::unsupported, "the TCB status \"{}\" is not known", tcb.status);
  TRY(rules.require("tcb-not-revoked", *grade != TcbGrade::revoked, Reason::tcb_revoked,
                    "any status but Revoked", tcb.status));
  tcb.grade = *grade;
  if (const auto date = json_string(*tdx, "gcp_attester_tcb_date", "tdx")) {
    tcb.date = TRY(lift("TCB date", parse_utc_time(*date)));
  }
  claims.tcb = std::move(tcb);
  return {};
}

Verified<Claims> verify(Bytes evidence, const Collateral& collateral, const Roots& roots,
                        int64_t time, const TokenOptions& options, RuleList& rules) {
  const Anchors& anchors = roots.of(Vendor::google_confidential_space);
  const TokenTrust trust{
      TRY(rules.check("token-keys", "keys that can be read", keys_of(collateral))), &anchors,
      nullptr};
  const VerifiedToken token = TRY(verify_token(text_of(evidence), trust, time, rules));
  TRY(rules.require("token-issuer", token.issuer == kIssuer, Reason::identity_mismatch,
                    std::string(kIssuer), token.issuer));
  TRY(check_options(token, eat_nonces(token.payload), options, rules));
  const std::string software(TRY(lift("token", json_string(token.payload, "swname", "payload"))));
  TRY(rules.require("software", software == "CONFIDENTIAL_SPACE", Reason::wrong_kind,
                    "CONFIDENTIAL_SPACE", software));

  Claims claims = start_claims(EvidenceKind::google_cs_token, token, time);
  claims.root_replaced = anchors.replaced;
  claims.notes.emplace("service", "Google Confidential Space");
  claims.platform =
      TRY(platform_of(TRY(lift("token", json_string(token.payload, "hwmodel", "payload")))));
  const std::string_view debug =
      TRY(lift("token", json_string(token.payload, "dbgstat", "payload")));
  claims.debug = debug != "disabled-since-boot";
  flag(token.payload, "secboot", "secure_boot", claims);
  note(token.payload, "sub", "subject", claims);
  TRY(read_workload(token.payload, claims));
  TRY(read_tcb(token.payload, rules, claims));
  claims.rules = rules.rules();
  return claims;
}

}  // namespace

Verified<Claims> verify_google_cs_token(Bytes evidence, const Collateral& collateral,
                                        const Roots& roots, int64_t time,
                                        const TokenOptions& options) {
  RuleList rules;
  return with_last_rule(verify(evidence, collateral, roots, time, options, rules), rules);
}

}  // namespace sotto::attest::token

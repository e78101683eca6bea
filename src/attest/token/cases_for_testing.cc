// The refusals of tokens, and making the synthetic ones of testdata/attest/*-token/.
// SPDX-License-Identifier: Apache-2.0
#include "attest/token/cases_for_testing.h"

#include <functional>

#include "attest/token/payloads_for_testing.h"
#include "attest/token/verify.h"

namespace sotto::attest::token {
namespace {

using crypto::KeyPair;

constexpr int64_t kTime = kTokenTimeForTesting;
constexpr std::string_view kHeader = R"({"alg":"ES384","kid":"k"})";

struct Spoilt {
  const char* rule;
  const char* verdict;
  const char* from;
  const char* to;
};

std::vector<uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

class Maker {
 public:
  explicit Maker(const KeyPair& service) : service_(service) {}

  CaseForTesting& add(std::string rule, std::string verdict, const std::string& evidence,
                      int64_t time = kTime, std::string_view key_members = R"(,"kid":"k")") {
    CaseForTesting one;
    one.name = rule == "-" ? "good" : fmt::format("{}-{}-{:02}", rule, verdict, cases.size());
    one.time = time;
    one.rule = std::move(rule);
    one.verdict = std::move(verdict);
    one.evidence = bytes_of(evidence);
    CHECK(one.collateral.add(std::string(kTokenKeys),
                             bytes_of(p384_jwk(service_.public_key(), key_members))));
    cases.push_back(std::move(one));
    return cases.back();
  }

  std::string sign(const std::string& payload, std::string_view header = kHeader) const {
    return make_token(header, payload, service_);
  }

  void add_spoilt(const std::string& payload, const std::vector<Spoilt>& rows) {
    for (const Spoilt& row : rows) {
      add(row.rule, row.verdict, sign(replaced(payload, row.from, row.to)));
    }
  }

  // What all services' tokens have in common.
  void add_common(const std::string& payload) {
    add("-", "verified", sign(payload));
    add("token-keys", "malformed", sign(payload)).collateral = broken_keys();
    add("token-format", "unsigned-evidence", sign(payload, R"({"alg":"none"})"));
    add("token-format", "unsupported", sign(payload, R"({"alg":"HS384"})"));
    add("token-format", "malformed", "eyJ9");
    add("token-key", "missing-collateral", sign(payload)).collateral = {};
    add("token-key", "wrong-collateral", sign(payload), kTime, R"(,"kid":"other")");
    add("token-signature", "bad-signature",
        make_token(kHeader, payload, KeyPair(crypto::KeyType::ec_p384)));
    add("token-key-certificate", "expired", sign(payload), kTime, certified(kTime - 1));
    add("token-payload", "malformed", sign("{"));
    add("token-not-before", "not-yet-valid", sign(payload), kTime - 61);
    add("token-issued", "not-yet-valid",
        sign(replaced(payload, "\"iat\":1780000000", "\"iat\":1780000061")));
    add("token-expiry", "expired", sign(payload), kTime + 3600);
    add("token-expiry", "malformed", sign(replaced(payload, ",\"exp\":1780003600", "")));
    add("token-issuer", "identity-mismatch", sign(replaced(payload, "\"iss\":\"", "\"iss\":\"x")));
  }

  std::vector<CaseForTesting> cases;

 private:
  static Collateral broken_keys() {
    Collateral collateral;
    CHECK(collateral.add(std::string(kTokenKeys), bytes_of("{}")));
    return collateral;
  }

  std::string certified(int64_t not_after) const {
    const crypto::Certificate certificate = crypto::issue_certificate(
        {.common_name = "service", .not_before = kTime - 1000, .not_after = not_after},
        service_.public_key(), nullptr, service_);
    return R"(,"kid":"k","x5c":[")" + base64_of(certificate.der(), Base64::standard) + "\"]";
  }

  const KeyPair& service_;
};

void add_nras(Maker& maker, const KeyPair& service) {
  const auto same = [](std::string payload) { return payload; };
  const auto change = [](const char* from, const char* to) {
    return [from, to](std::string payload) { return replaced(std::move(payload), from, to); };
  };
  const std::string good = nras_answer(same, same, service, service);
  maker.add("-", "verified", good);
  maker.add("answer-format", "malformed", replaced(good, "\"JWT\"", "\"JWS\""));
  maker.add("token-signature", "bad-signature",
            nras_answer(same, same, service, KeyPair(crypto::KeyType::ec_p384)));
  maker.add("token-expiry", "expired", good, kTime + 3600);
  const Spoilt kDevice[] = {
      {"issuer-of-GPU-0", "identity-mismatch", "nras.attestation", "other.attestation"},
      {"nonce-of-GPU-0", "binding-mismatch", "\"eat_nonce\":\"b", "\"eat_nonce\":\"c"},
      {"measres-of-GPU-0", "measurement-mismatch", "\"success\"", "\"fail\""},
  };
  for (const Spoilt& row : kDevice) {
    maker.add(row.rule, row.verdict, nras_answer(change(row.from, row.to), same, service, service));
  }
  const Spoilt kOverall[] = {
      {"token-issuer", "identity-mismatch", "nras.attestation", "other.attestation"},
      {"devices", "binding-mismatch", "\"submods\":{", "\"submods\":{\"GPU-1\":[],"},
      {"digest-of-GPU-0", "binding-mismatch", "\"SHA-256\"", "\"SHA-1\""},
      {"overall-result", "measurement-mismatch", ":true", ":false"},
      {"token-claims", "malformed", "\"submods\"", "\"submod\""},
  };
  for (const Spoilt& row : kOverall) {
    maker.add(row.rule, row.verdict, nras_answer(same, change(row.from, row.to), service, service));
  }
}

}  // namespace

std::vector<CaseForTesting> make_cases_for_testing(EvidenceKind kind, const KeyPair& service) {
  Maker maker(service);
  if (kind == EvidenceKind::maa_token) {
    maker.add_common(maa_payload());
    maker.add("token-key-url", "identity-mismatch",
              maker.sign(maa_payload(), R"({"alg":"ES384","kid":"k","jku":"https://x.example"})"));
    maker.add_spoilt(maa_payload(), {{"isolation-tee", "wrong-kind", "\"sevsnpvm\"", "\"azurevm\""},
                                     {"token-claims", "unsupported", "\"sevsnpvm\"", "\"x\""}});
  } else if (kind == EvidenceKind::ita_token) {
    maker.add_common(ita_payload());
    maker.add("token-key-url", "identity-mismatch",
              maker.sign(ita_payload(), R"({"alg":"ES384","kid":"k","jku":"https://x.example"})"));
    maker.add_spoilt(ita_payload(),
                     {{"tcb-not-revoked", "tcb-revoked", "\"UpToDate\"", "\"Revoked\""},
                      {"tcb-status", "malformed", "attester_tcb_status", "attester_status"},
                      {"token-claims", "malformed", "tdx_mrtd", "tdx_mrtx"}});
  } else if (kind == EvidenceKind::google_cs_token) {
    maker.add_common(google_payload());
    maker.add_spoilt(google_payload(),
                     {{"software", "wrong-kind", "CONFIDENTIAL_SPACE", "GCE"},
                      {"tcb-not-revoked", "tcb-revoked", "\"submods\":{",
                       "\"tdx\":{\"gcp_attester_tcb_status\":\"Revoked\"},\"submods\":{"},
                      {"token-claims", "unsupported", "GCP_INTEL_TDX", "GCP_SHIELDED_VM"}});
  } else {
    add_nras(maker, service);
  }
  return maker.cases;
}

}  // namespace sotto::attest::token

// Each rule of a token's verification refuses what it is there for, on tokens of our own making.
// SPDX-License-Identifier: Apache-2.0
#include "attest/token/verify.h"

#include <gtest/gtest.h>

#include <functional>

#include "attest/token/payloads_for_testing.h"
#include "attest/token/token_for_testing.h"
#include "attest/vectors_for_testing.h"
#include "crypto/sha256.h"

namespace sotto::attest::token {
namespace {

using crypto::KeyPair;
using crypto::KeyType;

constexpr int64_t kTime = kTokenTimeForTesting;
constexpr int64_t kDay = 86'400;

const KeyPair& service() {
  static const KeyPair signer(KeyType::ec_p384);
  return signer;
}

Collateral keys(std::string_view more = R"(,"kid":"k")") {
  Collateral collateral;
  const std::string jwk = p384_jwk(service().public_key(), more);
  EXPECT_TRUE(collateral.add(std::string(kTokenKeys), {jwk.begin(), jwk.end()}));
  return collateral;
}

using Verify = decltype(&verify_maa_token);

std::string run(Verify verify, const std::string& token, const Collateral& collateral = keys(),
                int64_t time = kTime, const TokenOptions& options = {}) {
  Roots roots;  // none: keys that are given are believed
  return outcome(verify(as_bytes(token), collateral, roots, time, options));
}

std::string signed_by_service(const std::string& payload,
                              const std::string& header = R"({"alg":"ES384","kid":"k"})") {
  return make_token(header, payload, service());
}

TEST(TokenVerify, accepts_good_tokens) {
  EXPECT_EQ(run(verify_maa_token, signed_by_service(maa_payload())), "verified");
  EXPECT_EQ(run(verify_ita_token, signed_by_service(ita_payload())), "UpToDate");
  EXPECT_EQ(run(verify_google_cs_token, signed_by_service(google_payload())), "verified");
  EXPECT_EQ(run(verify_maa_token, signed_by_service(maa_payload()) + "\r\n"), "verified");
}

TEST(TokenVerify, chooses_among_given_keys_by_id_and_algorithm) {
  const std::string token = signed_by_service(maa_payload());
  EXPECT_EQ(run(verify_maa_token, token, keys("")), "verified");
  EXPECT_EQ(run(verify_maa_token, token, keys(R"(,"kid":"other")")), "!wrong-collateral");
  EXPECT_EQ(run(verify_maa_token, token, {}), "!missing-collateral");
  const KeyPair other(KeyType::ec_p384);
  EXPECT_EQ(run(verify_maa_token, make_token(R"({"alg":"ES384","kid":"k"})", maa_payload(), other)),
            "!bad-signature");
  EXPECT_EQ(run(verify_maa_token, signed_by_service(maa_payload(), R"({"alg":"ES256","kid":"k"})")),
            "!wrong-collateral");
  // Two keys of one id, as services have while they change them.
  Collateral two;
  const std::string set = R"({"keys":[)" + p384_jwk(other.public_key(), R"(,"kid":"k")") + "," +
                          p384_jwk(service().public_key(), R"(,"kid":"k")") + "]}";
  ASSERT_TRUE(two.add(std::string(kTokenKeys), {set.begin(), set.end()}));
  EXPECT_EQ(run(verify_maa_token, token, two), "verified");
}

TEST(TokenVerify, never_believes_a_key_that_the_token_brings) {
  const KeyPair other(KeyType::ec_p384);
  const crypto::Certificate own =
      crypto::issue_certificate({.common_name = "own", .not_before = 0, .not_after = kTime + kDay},
                                other.public_key(), nullptr, other);
  const std::string x5c = R"("x5c":[")" + base64_of(own.der(), Base64::standard) + "\"]";
  const std::string jwk = R"("jwk":)" + p384_jwk(other.public_key());
  for (const std::string& brought : {x5c, jwk}) {
    const std::string header = R"({"alg":"ES384","kid":"k",)" + brought + "}";
    EXPECT_EQ(run(verify_maa_token, make_token(header, maa_payload(), other)), "!bad-signature");
    EXPECT_EQ(run(verify_maa_token, make_token(header, maa_payload(), other), {}),
              "!missing-collateral");
  }
  EXPECT_EQ(run(verify_google_cs_token,
                make_token(R"({"alg":"ES384",)" + x5c + "}", google_payload(), other)),
            "!untrusted-root");
}

TEST(TokenVerify, checks_certificates_of_keys) {
  const KeyPair root_key(KeyType::ec_p384);
  const crypto::Certificate root =
      crypto::issue_certificate({.common_name = "root",
                                 .not_before = 0,
                                 .not_after = kTime + 9 * kDay,
                                 .is_ca = true,
                                 .key_usage = crypto::kUsageCertSign},
                                root_key.public_key(), nullptr, root_key);
  const crypto::Certificate leaf = crypto::issue_certificate(
      {.common_name = "signer", .serial = 2, .not_before = kTime - kDay, .not_after = kTime + 60},
      service().public_key(), &root, root_key);
  const std::string x5c = R"("x5c":[")" + base64_of(leaf.der(), Base64::standard) + "\"]";
  const std::string token = signed_by_service(google_payload(), R"({"alg":"ES384",)" + x5c + "}");
  Roots roots;
  roots.replace(Vendor::google_confidential_space, {root});
  roots.replace(Vendor::intel_trust_authority, {root});
  const auto google = [&](int64_t time) {
    return verify_google_cs_token(as_bytes(token), {}, roots, time);
  };
  ASSERT_EQ(outcome(google(kTime)), "verified");
  EXPECT_EQ(google(kTime)->valid_until, kTime + 60) << "the certificate's end comes first";
  EXPECT_TRUE(google(kTime)->root_replaced);
  EXPECT_EQ(outcome(google(kTime + 61)), "!expired");

  const Collateral with_chain = keys(R"(,"kid":"k",)" + x5c);
  const std::string ita = signed_by_service(ita_payload());
  EXPECT_EQ(outcome(verify_ita_token(as_bytes(ita), with_chain, roots, kTime)), "UpToDate");
  EXPECT_EQ(outcome(verify_ita_token(as_bytes(ita), with_chain, Roots::pinned(), kTime)),
            "!untrusted-root");
  // Without roots of the service a certificate still says for how long its key is good.
  EXPECT_EQ(run(verify_maa_token, signed_by_service(maa_payload()), with_chain), "verified");
  EXPECT_EQ(run(verify_maa_token, signed_by_service(maa_payload()), with_chain, kTime + 61),
            "!expired");
  EXPECT_EQ(run(verify_maa_token, signed_by_service(maa_payload()), with_chain, kTime - 2 * kDay),
            "!not-yet-valid");
}

TEST(TokenVerify, holds_from_a_minute_before_its_times_to_its_expiry) {
  const std::string token = signed_by_service(maa_payload());
  EXPECT_EQ(run(verify_maa_token, token, keys(), kTime - 61), "!not-yet-valid");
  EXPECT_EQ(run(verify_maa_token, token, keys(), kTime - 60), "verified");
  EXPECT_EQ(run(verify_maa_token, token, keys(), kTime + 3599), "verified");
  EXPECT_EQ(run(verify_maa_token, token, keys(), kTime + 3600), "!expired");
  const struct {
    const char* from;
    const char* to;
    const char* outcome;
  } kRows[] = {
      {",\"exp\":1780003600", "", "!malformed"},
      {"\"exp\":1780003600", "\"exp\":\"1780003600\"", "!malformed"},
      {"\"exp\":1780003600", "\"exp\":1780003600.5", "!malformed"},
      {"\"exp\":1780003600", "\"exp\":99999999999999", "!malformed"},
      {"\"iat\":1780000000", "\"iat\":-1", "!malformed"},
      {"\"iat\":1780000000", "\"iat\":1780000061", "!not-yet-valid"},
      {"\"nbf\":1780000000", "\"nbf\":1780000061", "!not-yet-valid"},
      {"\"iat\":1780000000,", "", "verified"},
      {"\"exp\":1780003600", "\"exp\":1780003600,\"exp\":1780003600", "!malformed"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(run(verify_maa_token, signed_by_service(replaced(maa_payload(), row.from, row.to))),
              row.outcome)
        << row.to;
  }
}

struct Spoilt {
  const char* from;
  const char* to;
  const char* outcome;
};

void expect_spoilt(Verify verify, const std::string& payload, const std::vector<Spoilt>& rows) {
  for (const Spoilt& row : rows) {
    EXPECT_EQ(run(verify, signed_by_service(replaced(payload, row.from, row.to))), row.outcome)
        << row.from << " → " << row.to;
  }
}

TEST(TokenVerify, refuses_maa_tokens_by_each_rule) {
  expect_spoilt(
      verify_maa_token, maa_payload(),
      {{"https://test.eus.attest.azure.net", "https://attest.azure.net", "!identity-mismatch"},
       {"https://test.eus", "http://test.eus", "!identity-mismatch"},
       {"attest.azure.net", "attest.azure.net.example.com", "!identity-mismatch"},
       {"attest.azure.net", "xattest.azure.net", "!identity-mismatch"},
       {".attest.azure.net", "-attest.azure.net", "!identity-mismatch"},
       {"attest.azure.net\"", "attest.azure.net/x\"", "!identity-mismatch"},
       {"https://test", "https://a@test", "!identity-mismatch"},
       {"\"sevsnpvm\"", "\"other\"", "!unsupported"},
       {"\"x-ms-attestation-type\":\"sevsnpvm\",", "", "!malformed"},
       {"\"sevsnpvm\"", "\"azurevm\"", "!wrong-kind"},
       {"\"sevsnpvm\"", "\"sgx\"", "!malformed"},
       {"\"x-ms-sevsnpvm-is-debuggable\":false,", "", "!malformed"},
       {"launchmeasurement\":\"a", "launchmeasurement\":\"x", "!malformed"}});
  const std::string header = R"({"alg":"ES384","kid":"k","jku":"https://evil.example/certs"})";
  EXPECT_EQ(run(verify_maa_token, signed_by_service(maa_payload(), header)), "!identity-mismatch");
  const auto debug = verify_maa_token(
      as_bytes(
          signed_by_service(replaced(maa_payload(), "debuggable\":false", "debuggable\":true"))),
      keys(), {}, kTime);
  ASSERT_TRUE(debug);
  EXPECT_TRUE(debug->debug);
}

TEST(TokenVerify, refuses_ita_tokens_by_each_rule) {
  expect_spoilt(verify_ita_token, ita_payload(),
                {{"Intel Trust Authority", "Somebody", "!identity-mismatch"},
                 {"Intel Trust Authority", "https://portal.trustauthority.intel.com", "UpToDate"},
                 {"\"attester_type\":\"TDX\"", "\"attester_type\":\"SEV\"", "!unsupported"},
                 {"\"attester_type\":\"TDX\",", "", "!malformed"},
                 {"\"UpToDate\"", "\"OutOfDate\"", "OutOfDate"},
                 {"\"UpToDate\"", "\"Revoked\"", "!tcb-revoked"},
                 {"\"UpToDate\"", "\"Fine\"", "!unsupported"},
                 {"\"attester_tcb_status\":\"UpToDate\",", "", "!malformed"},
                 {",\"dbgstat\":\"disabled\"", "", "!malformed"},
                 {"\"dbgstat\":\"disabled\"",
                  "\"dbgstat\":\"disabled\",\"attester_advisory_ids\":[1]", "!malformed"},
                 {"tdx_mrtd", "tdx_mrtx", "!malformed"}});
  const std::string nested = replaced(
      R"({"iss":"https://portal.trustauthority.intel.com",)" + kTimes + R"(,"tdx":{)" +
          tdx_members() +
          R"(,"attester_type":"TDX","attester_tcb_status":"UpToDate","dbgstat":"enabled"}})",
      "", "");
  const auto claims = verify_ita_token(as_bytes(signed_by_service(nested)), keys(), {}, kTime);
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_TRUE(claims->debug);
}

TEST(TokenVerify, refuses_google_tokens_by_each_rule) {
  expect_spoilt(
      verify_google_cs_token, google_payload(),
      {{"https://confidentialcomputing.googleapis.com", "https://accounts.google.com",
        "!identity-mismatch"},
       {"CONFIDENTIAL_SPACE", "GCE", "!wrong-kind"},
       {"GCP_INTEL_TDX", "GCP_SHIELDED_VM", "!unsupported"},
       {"sha256:b", "sha256:", "!malformed"},
       {"sha256:", "md5:", "!malformed"},
       {"\"dbgstat\":\"disabled-since-boot\",", "", "!malformed"},
       {"\"submods\":{", "\"tdx\":{\"gcp_attester_tcb_status\":\"Revoked\"},\"submods\":{",
        "!tcb-revoked"},
       {"\"submods\"", "\"submod\"", "!malformed"}});
  const std::string token = signed_by_service(google_payload());
  const auto with = [&](const TokenOptions& options) {
    return run(verify_google_cs_token, token, keys(), kTime, options);
  };
  EXPECT_EQ(with({.audience = "me"}), "verified");
  EXPECT_EQ(with({.audience = "you"}), "!binding-mismatch");
  EXPECT_EQ(with({.nonce = {'t', 'w', 'o'}}), "verified");
  EXPECT_EQ(with({.nonce = {'s', 'i', 'x'}}), "!binding-mismatch");
  EXPECT_EQ(with({.issuer = "https://else.example"}), "!identity-mismatch");
  const auto debug = verify_google_cs_token(
      as_bytes(signed_by_service(replaced(google_payload(), "disabled-since-boot", "enabled"))),
      keys(), {}, kTime);
  ASSERT_TRUE(debug);
  EXPECT_TRUE(debug->debug);
}

TEST(TokenVerify, reads_eat_tokens_of_any_issuer_and_claims_debug_unless_it_is_ruled_out) {
  const std::string payload = R"({"iss":"https://verifier.example",)" + kTimes +
                              R"(,"eat_nonce":"AQIDBA","eat_profile":"tag:x","ueid":"AQ",)"
                              R"("hwmodel":"m","secboot":true,"dbgstat":"disabled-permanently"})";
  const auto verify = [&](const std::string& text, const TokenOptions& options = {}) {
    return verify_eat_token(as_bytes(signed_by_service(text)), keys(), {}, kTime, options);
  };
  const auto good = verify(payload, {.nonce = {1, 2, 3, 4}, .issuer = "https://verifier.example"});
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_FALSE(good->debug);
  EXPECT_TRUE(good->flags.at("secure_boot"));
  EXPECT_EQ(good->notes.at("profile"), "tag:x");
  EXPECT_EQ(outcome(verify(payload, {.issuer = "https://other.example"})), "!identity-mismatch");
  EXPECT_EQ(outcome(verify(payload, {.nonce = {1, 2, 3, 5}})), "!binding-mismatch");
  EXPECT_TRUE(verify(replaced(payload, "disabled-permanently", "enabled"))->debug);
  EXPECT_TRUE(verify(replaced(payload, ",\"dbgstat\":\"disabled-permanently\"", ""))->debug);
  EXPECT_EQ(outcome(verify(replaced(payload, R"("iss":"https://verifier.example",)", ""))),
            "!malformed");
  const std::string plain = replaced(replaced(payload, "eat_nonce", "x"), "eat_profile", "y");
  EXPECT_EQ(outcome(verify(plain)), "!wrong-kind");
}

TEST(TokenVerify, refuses_nras_answers_by_each_rule) {
  const auto same = [](std::string payload) { return payload; };
  const auto change = [](const char* from, const char* to) {
    return [from, to](std::string payload) { return replaced(std::move(payload), from, to); };
  };
  const std::string good = nras_answer(same, same, service(), service());
  EXPECT_EQ(run(verify_nras_token, good), "verified");
  EXPECT_EQ(run(verify_nras_token, good, keys(), kTime, {.nonce = std::vector<uint8_t>(32, 0xbb)}),
            "verified");
  EXPECT_EQ(run(verify_nras_token, good, keys(), kTime, {.nonce = std::vector<uint8_t>(32, 0xbc)}),
            "!binding-mismatch");
  EXPECT_EQ(run(verify_nras_token, nras_answer(same, same, service(), KeyPair(KeyType::ec_p384))),
            "!bad-signature");
  const Spoilt kDevice[] = {
      {"\"success\"", "\"fail\"", "!measurement-mismatch"},
      {"\"measres\":\"success\",", "", "!measurement-mismatch"},
      {"nras.attestation", "other.attestation", "!identity-mismatch"},
      {"\"eat_nonce\":\"b", "\"eat_nonce\":\"c", "!binding-mismatch"},
      {"1780003600", "1780000000", "!expired"},
  };
  for (const Spoilt& row : kDevice) {
    EXPECT_EQ(
        run(verify_nras_token, nras_answer(change(row.from, row.to), same, service(), service())),
        row.outcome)
        << row.to;
  }
  const Spoilt kOverall[] = {
      {":true", ":false", "!measurement-mismatch"},
      {"\"x-nvidia-overall-att-result\":true,", "", "!measurement-mismatch"},
      {"nras.attestation", "other.attestation", "!identity-mismatch"},
      {"\"SHA-256\"", "\"SHA-1\"", "!binding-mismatch"},
      {"\"GPU-0\"", "\"GPU-1\"", "!binding-mismatch"},
      {"\"submods\":{", "\"submods\":{\"GPU-1\":[],", "!binding-mismatch"},
      {"\"submods\"", "\"submod\"", "!malformed"},
      {"1780003600", "1780000000", "!expired"},
  };
  for (const Spoilt& row : kOverall) {
    EXPECT_EQ(
        run(verify_nras_token, nras_answer(same, change(row.from, row.to), service(), service())),
        row.outcome)
        << row.to;
  }
  const Spoilt kAnswer[] = {
      {"\"JWT\"", "\"JWS\"", "!malformed"},
      {"{\"GPU-0\":", "{\"GPU-0\":7,\"x\":", "!malformed"},
      {"[[", "[7,[", "!malformed"},
      {"],{", "],{},{", "!malformed"},
      {"{\"GPU-0\":\"", "{\"GPU-0\":\"A", "!binding-mismatch"},
      {"\"GPU-0\"", "\"GPU-9\"", "!binding-mismatch"},
  };
  for (const Spoilt& row : kAnswer) {
    EXPECT_EQ(run(verify_nras_token, replaced(good, row.from, row.to)), row.outcome) << row.to;
  }
}

}  // namespace
}  // namespace sotto::attest::token

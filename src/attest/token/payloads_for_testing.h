// Payloads of tokens as each service writes them, for tests to sign and to spoil.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "attest/token/token_for_testing.h"
#include "base/check.h"
#include "crypto/sha256.h"

namespace sotto::attest::token {

inline constexpr int64_t kTokenTimeForTesting = 1'780'000'000;

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

inline const std::string kTimes = R"("iat":1780000000,"nbf":1780000000,"exp":1780003600)";
inline const std::string kHash48 = std::string(96, 'a');
inline const std::string kHash32 = std::string(64, 'b');
inline const std::string kHash64 = std::string(128, 'c');

inline std::string maa_payload() {
  return R"({"iss":"https://test.eus.attest.azure.net",)" + kTimes +
         R"(,"x-ms-attestation-type":"sevsnpvm","nonce":"AQIDBA","x-ms-sevsnpvm-launchmeasurement":")" +
         kHash48 + R"(","x-ms-sevsnpvm-reportdata":")" + kHash64 +
         R"(","x-ms-sevsnpvm-hostdata":")" + kHash32 + R"(","x-ms-sevsnpvm-idkeydigest":")" +
         kHash48 + R"(","x-ms-sevsnpvm-authorkeydigest":")" + kHash48 +
         R"(","x-ms-sevsnpvm-reportid":")" + kHash32 +
         R"(","x-ms-sevsnpvm-is-debuggable":false,"x-ms-sevsnpvm-migration-allowed":false})";
}

inline std::string tdx_members() {
  std::string members;
  for (const char* name : {"mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3", "mrseam", "mrconfigid",
                           "mrowner", "mrownerconfig"}) {
    members += "\"tdx_" + std::string(name) + "\":\"" + kHash48 + "\",";
  }
  return members + R"("tdx_report_data":")" + kHash64 +
         R"(","tdx_td_attributes":"0000001000000000","tdx_tee_tcb_svn":"03000500000000000000000000000000",)"
         R"("tdx_td_attributes_debug":false)";
}

inline std::string ita_payload() {
  return R"({"iss":"Intel Trust Authority",)" + kTimes + "," + tdx_members() +
         R"(,"attester_type":"TDX","attester_tcb_status":"UpToDate","dbgstat":"disabled"})";
}

inline std::string google_payload() {
  return R"({"iss":"https://confidentialcomputing.googleapis.com","aud":"me",)" + kTimes +
         R"(,"eat_nonce":["one","two"],"swname":"CONFIDENTIAL_SPACE","hwmodel":"GCP_INTEL_TDX",)"
         R"("dbgstat":"disabled-since-boot","submods":{"container":{"image_digest":"sha256:)" +
         kHash32 + R"("}}})";
}

// An answer about one GPU, with a change to either of its tokens' payloads.
inline std::string nras_answer(const std::function<std::string(std::string)>& device_change,
                               const std::function<std::string(std::string)>& overall_change,
                               const crypto::KeyPair& service,
                               const crypto::KeyPair& device_signer) {
  const std::string iss = R"({"iss":"https://nras.attestation.nvidia.com",)" + kTimes +
                          R"(,"eat_nonce":")" + kHash32 + "\",";
  const std::string device = make_token(
      R"({"alg":"ES384","kid":"k"})",
      device_change(iss + R"("measres":"success","dbgstat":"disabled","hwmodel":"GH100"})"),
      device_signer);
  const std::string digest = hex_of(crypto::sha256(as_bytes(device)));
  const std::string overall = make_token(
      R"({"alg":"ES384","kid":"k"})",
      overall_change(
          iss + R"("x-nvidia-overall-att-result":true,"submods":{"GPU-0":["DIGEST",["SHA-256",")" +
          digest + R"("]]}})"),
      service);
  return R"([["JWT",")" + overall + R"("],{"GPU-0":")" + device + R"("}])";
}

}  // namespace sotto::attest::token

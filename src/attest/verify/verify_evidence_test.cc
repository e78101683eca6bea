// Every kind of evidence has a verification behind its name, and the nonce is looked for everywhere.
// SPDX-License-Identifier: Apache-2.0
#include "attest/verify/verify_evidence.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "attest/appraise/required_rules.h"
#include "attest/tdx/simulated_platform.h"

namespace sotto::attest {
namespace {

using Platform = tdx::SimulatedPlatform;

TEST(VerifyEvidence, refuses_what_is_no_evidence_of_each_kind) {
  const Roots roots = Roots::pinned();
  const std::vector<uint8_t> noise(3000, 0x5a);
  for (EvidenceKind kind : evidence_kinds()) {
    for (Bytes bytes : {Bytes(), Bytes(noise)}) {
      const Verified<Claims> claims = verify_evidence(kind, bytes, {}, roots, Platform::kTime);
      EXPECT_FALSE(claims) << to_string(kind);
      EXPECT_NE(claims.error().reason, Reason::internal) << to_string(kind);
    }
    EXPECT_EQ(required_rules(kind, "").empty(), kind == EvidenceKind::event_log) << to_string(kind);
    for (Vendor vendor : vendors_of(kind)) {
      EXPECT_FALSE(to_string(vendor).empty());
    }
  }
}

TEST(VerifyEvidence, finds_the_nonce_in_report_data) {
  const Platform platform;
  const Platform::Made made = platform.make();
  const auto verify = [&](std::vector<uint8_t> nonce) {
    return verify_evidence(EvidenceKind::tdx_quote, made.quote, made.collateral, made.roots,
                           Platform::kTime, {.nonce = std::move(nonce)});
  };
  const Verified<Claims> same = verify(std::vector<uint8_t>(64, 0xd7));
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->root_replaced);
  EXPECT_EQ(same->rules.back().name, "nonce");
  for (const std::vector<uint8_t>& other :
       {std::vector<uint8_t>(64, 0xd8), std::vector<uint8_t>(63, 0xd7),
        std::vector<uint8_t>(65, 0xd7), std::vector<uint8_t>()}) {
    const Verified<Claims> refused = verify(other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::binding_mismatch);
    EXPECT_EQ(refused.error().rules.back().name, "nonce");
  }
}

TEST(VerifyEvidence, names_a_single_file_by_its_kind_and_content) {
  const auto name = [](EvidenceKind kind, std::string_view text) {
    const Result<std::string> found = name_of_single_collateral(kind, as_bytes(text));
    return found ? *found : "several";
  };
  EXPECT_EQ(name(EvidenceKind::snp_report, "\x30\x82"), "vek.der");
  EXPECT_EQ(name(EvidenceKind::azure_hcl_report, "{\"vcekCert\": 1}"), "thim.json");
  for (const char* manifest : {"driver_rim.xml", "vbios_rim.xml"}) {
    std::ifstream file(std::string(SOTTO_TESTDATA_DIR "/attest/nvidia-gpu-report/good/") +
                       manifest);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(name(EvidenceKind::nvidia_gpu_report, text), manifest);
  }
  EXPECT_EQ(name(EvidenceKind::nvidia_gpu_report, "<a name=\"NV_GPU_DRIVER_GH100\">"), "several");
  EXPECT_EQ(name(EvidenceKind::nvidia_gpu_report, "-----BEGIN CERTIFICATE-----"), "cert_chain.pem");
  EXPECT_EQ(name(EvidenceKind::maa_token, "{}"), "jwks.json");
  EXPECT_EQ(name(EvidenceKind::tdx_quote, "{}"), "several");
}

}  // namespace
}  // namespace sotto::attest

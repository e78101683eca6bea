// A software TPM that is left as Azure leaves its own: the paravisor's report in NV, the key at its handle.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/collect.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "attest/azure/cases_for_testing.h"
#include "attest/azure/hardware.h"
#include "attest/event_log/algorithms.h"
#include "attest/snp/verify.h"
#include "attest/tpm/software_tpm_for_testing.h"
#include "attest/tpm/verify.h"

namespace sotto::attest::azure {
namespace {

class AzureCollectTest : public tpm::SoftwareTpmTest {};

TEST_F(AzureCollectTest, evidence_is_accepted_from_amds_root_down_to_the_nonce) {
  ASSERT_TRUE(
      run("tpm2_createprimary -C e -G rsa2048:rsassa-sha256:null -c key.ctx -a 'fixedtpm|"
          "fixedparent|sensitivedataorigin|userwithauth|restricted|sign'"));
  ASSERT_TRUE(run("tpm2_evictcontrol -C o -c key.ctx 0x81000003"));
  ASSERT_TRUE(run("tpm2_flushcontext -t"));
  ASSERT_TRUE(run("tpm2_nvdefine -C o -s 2048 -a 'ownerread|ownerwrite' 0x01400001"));
  connect();
  const auto area = tpm::parse_public(*tpm_->load_key(0x81000003));
  const auto key = tpm::attestation_key_of(*area);
  ASSERT_TRUE(key.has_value()) << key.error().message;

  const snp::SignerForTesting amd(snp::Product::milan);
  HclForTesting hcl;
  hcl.json = runtime_json_for_testing(key->key);
  // An NV index of swtpm has 2,048 bytes; Azure's have 2,600.
  hcl.json.replace(hcl.json.find(",{\"kid\":\"HCLEkPub"),
                   hcl.json.find("],\"vm") - hcl.json.find(",{\"kid\":\"HCLEkPub"), "");
  hcl.hardware = amd.report();
  const auto hash = *event_log::hash(event_log::kSha256, {as_bytes(hcl.json)});
  std::fill_n(hcl.hardware.begin() + 0x50, 64, uint8_t{0});
  std::ranges::copy(hash, hcl.hardware.begin() + 0x50);
  amd.sign(hcl.hardware);
  ASSERT_TRUE(tpm_->write_nv(0x01400001, std::vector<uint8_t>(2048)).has_value());
  ASSERT_TRUE(tpm_->write_nv(0x01400001, marshal_for_testing(hcl)).has_value());

  write_file("firmware", std::vector<uint8_t>(64));
  const tpm::LogPaths paths{folder_ / "firmware", folder_ / "systemd"};
  EXPECT_EQ(*tpm::find_key_source(*tpm_), tpm::KeySource::azure);
  const auto collected = collect(*tpm_, tpm::nonce_for_testing(), paths);
  ASSERT_TRUE(collected.has_value()) << collected.error().message;

  Collateral collateral;
  const auto add = [&](std::string_view name, Bytes bytes) {
    ASSERT_TRUE(collateral.add(std::string(name), {bytes.begin(), bytes.end()}).has_value());
  };
  tpm::QuoteEvidence quote = collected->quote;
  quote.event_log.clear();
  add(kTpmQuoteBlob, as_bytes(tpm::serialize(quote)));
  const auto vcek = amd.issue(amd.endorsement());
  add(snp::kKeyCertificate, vcek.der());
  const Roots roots = amd.roots();
  constexpr int64_t kTime = snp::SignerForTesting::kTime;
  const auto claims = verify_hcl_report(collected->hcl_report, {tpm::nonce_for_testing()},
                                        collateral, hardware_verifier(roots, kTime), kTime);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->report_data, tpm::nonce_for_testing());
  EXPECT_EQ(claims->measurements.at("pcr4"), std::vector<uint8_t>(32));
}

TEST_F(AzureCollectTest, another_machines_tpm_is_an_error) {
  const tpm::LogPaths paths{folder_ / "firmware", folder_ / "systemd"};
  EXPECT_EQ(collect(*tpm_, {}, paths).error().kind, ErrorKind::unavailable);
  ASSERT_TRUE(
      run("tpm2_createprimary -C e -G rsa2048:rsassa-sha256:null -c key.ctx -a 'fixedtpm|"
          "fixedparent|sensitivedataorigin|userwithauth|restricted|sign'"));
  ASSERT_TRUE(run("tpm2_evictcontrol -C o -c key.ctx 0x81000003"));
  ASSERT_TRUE(run("tpm2_flushcontext -t"));
  ASSERT_TRUE(run("tpm2_nvdefine -C o -s 2048 -a 'ownerread|ownerwrite' 0x01400001"));
  connect();
  HclForTesting hcl;
  const tpm::VendorForTesting other;
  hcl.json = runtime_json_for_testing(other.rsa().public_key());
  hcl.json.resize(hcl.json.find(",{\"kid\":\"HCLEkPub"));
  hcl.json += "]}";
  ASSERT_TRUE(tpm_->write_nv(0x01400001, std::vector<uint8_t>(2048)).has_value());
  ASSERT_TRUE(tpm_->write_nv(0x01400001, marshal_for_testing(hcl)).has_value());
  write_file("firmware", std::vector<uint8_t>(64));
  EXPECT_EQ(collect(*tpm_, {}, paths).error().kind, ErrorKind::untrusted);
}

}  // namespace
}  // namespace sotto::attest::azure

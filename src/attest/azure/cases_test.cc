// Synthetic reports and documents get their verdicts: those that ship in testdata/, and the same made anew.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/cases_for_testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "attest/azure/hardware.h"
#include "attest/azure/imds.h"
#include "attest/event_log/algorithms.h"
#include "attest/tdx/simulated_platform.h"

namespace sotto::attest::azure {
namespace {

using Trusted = std::vector<crypto::Certificate>;
using Judge = std::string (*)(const CaseForTesting&, const Trusted&);

std::string verdict_of_hcl(const CaseForTesting& one, const Trusted& trusted) {
  Roots roots;
  roots.replace(Vendor::amd, trusted);
  const auto claims = verify_hcl_report(one.evidence, {tpm::nonce_for_testing()}, one.collateral,
                                        hardware_verifier(roots, one.time), one.time);
  return verdict_for_testing(claims, std::vector<Rule>());
}

std::string verdict_of_imds(const CaseForTesting& one, const Trusted& trusted) {
  Roots roots;
  roots.replace(Vendor::microsoft_tls, trusted);
  const auto claims = verify_imds(one.evidence, {std::string(ImdsSignerForTesting::kNonce)},
                                  one.collateral, roots, one.time);
  return verdict_for_testing(claims, std::vector<Rule>());
}

// How many rules refused at least one, and "-".
size_t check_shipped(const char* folder, Judge judge) {
  const auto shipped =
      read_cases_for_testing(std::filesystem::path(SOTTO_TESTDATA_DIR "/attest") / folder);
  std::set<std::string> rules;
  for (const CaseForTesting& one : shipped.cases) {
    EXPECT_EQ(judge(one, shipped.roots), one.verdict + " " + one.rule) << one.name;
    rules.insert(one.rule);
  }
  fmt::print("{}, synthetic: {} cases\n", folder, shipped.cases.size());
  return rules.size();
}

TEST(AzureCases, that_ship_get_their_verdicts) {
  EXPECT_EQ(check_shipped("azure-hcl-report", verdict_of_hcl), 9u);
  EXPECT_EQ(check_shipped("azure-imds-document", verdict_of_imds), 7u);
}

TEST(AzureCases, get_their_verdicts_when_they_are_made_anew) {
  const snp::SignerForTesting amd(snp::Product::milan);
  const tpm::VendorForTesting vtpm;
  for (const CaseForTesting& one : make_hcl_cases_for_testing(amd, vtpm)) {
    EXPECT_EQ(verdict_of_hcl(one, {amd.ark()}), one.verdict + " " + one.rule) << one.name;
  }
  const ImdsSignerForTesting imds;
  for (const CaseForTesting& one : make_imds_cases_for_testing(imds)) {
    EXPECT_EQ(verdict_of_imds(one, {imds.root()}), one.verdict + " " + one.rule) << one.name;
  }
}

// A TDREPORT with what a TD's report has.
std::vector<uint8_t> td_report_of(const tdx::TdReport& td) {
  std::vector<uint8_t> report(kTdReportBytes);
  const auto put = [&](size_t at, Bytes bytes) {
    std::ranges::copy(bytes, report.begin() + static_cast<ptrdiff_t>(at));
  };
  report[0] = 0x81;
  put(128, td.report_data);
  put(264, td.tee_tcb_svn);
  put(280, td.mr_seam);
  put(328, td.mr_signer_seam);
  put(512, td.td_attributes);
  put(520, td.xfam);
  put(528, td.mr_td);
  put(576, td.mr_config_id);
  put(624, td.mr_owner);
  put(672, td.mr_owner_config);
  for (size_t i = 0; i < td.rtmr.size(); ++i) put(720 + 48 * i, td.rtmr[i]);
  return report;
}

TEST(AzureCases, of_tdx_are_bound_to_the_td_quote) {
  const tpm::VendorForTesting vtpm;
  HclForTesting hcl;
  hcl.kind = 4;
  hcl.json = runtime_json_for_testing(vtpm.rsa().public_key());
  tdx::SimulatedPlatform platform;
  const auto hash = *event_log::hash(event_log::kSha256, {as_bytes(hcl.json)});
  platform.td.report_data.fill(0);
  std::ranges::copy(hash, platform.td.report_data.begin());
  const auto made = platform.make();
  const auto verdict = [&](const HclForTesting& report) {
    Collateral collateral = made.collateral;
    EXPECT_TRUE(collateral.add(std::string(kTdQuoteBlob), made.quote));
    constexpr int64_t kTime = tdx::SimulatedPlatform::kTime;
    return verdict_for_testing(verify_hcl_report(marshal_for_testing(report), {}, collateral,
                                                 hardware_verifier(made.roots, kTime), kTime),
                               std::vector<Rule>());
  };
  hcl.hardware = td_report_of(platform.td);
  EXPECT_EQ(verdict(hcl), "verified -");
  for (const size_t at : {128, 191, 264, 280, 328, 512, 520, 528, 576, 624, 672, 720, 911}) {
    HclForTesting changed = hcl;
    changed.hardware[at] ^= 1;
    EXPECT_EQ(verdict(changed), "binding-mismatch hcl-td-quote") << at;
  }
  HclForTesting changed = hcl;
  changed.json.replace(changed.json.find("TEST"), 4, "ELSE");
  EXPECT_EQ(verdict(changed), "binding-mismatch hcl-runtime-binding");
  changed = hcl;
  changed.hardware[0] = 0;
  EXPECT_EQ(verdict(changed), "malformed hcl-td-quote");
  changed = hcl;
  changed.hardware.resize(kHardwareReportBytes, 1);
  EXPECT_EQ(verdict(changed), "malformed hcl-report");
}

}  // namespace
}  // namespace sotto::attest::azure

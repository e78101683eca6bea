// The refusals of quotes, and making the synthetic quotes of testdata/attest/tdx-quote/ and sgx-quote/.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/cases_for_testing.h"

#include <map>

#include "attest/tdx/verify.h"
#include "base/check.h"

namespace sotto::attest::tdx {
namespace {

using crypto::KeyPair;
using crypto::KeyType;

CaseForTesting made(std::string name, std::string verdict, std::string rule,
                    const SimulatedPlatform& platform) {
  SimulatedPlatform::Made parts = platform.make();
  return {std::move(name), SimulatedPlatform::kTime, std::move(verdict),
          std::move(rule), std::move(parts.quote),   std::move(parts.collateral)};
}

std::vector<uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

// What is missing, cut off or of another kind, which no field of a platform says.
void add_incomplete(const SimulatedPlatform& platform, std::vector<CaseForTesting>& cases) {
  const bool tdx = platform.info.tee == TeeType::tdx;
  CaseForTesting cut = made("quote-format-cut", "malformed", "quote-format", platform);
  cut.evidence.resize(cut.evidence.size() / 2);
  cases.push_back(std::move(cut));
  CaseForTesting longer = made("quote-format-trailing", "malformed", "quote-format", platform);
  longer.evidence.push_back(1);
  cases.push_back(std::move(longer));
  SimulatedPlatform other = platform;
  other.info.tee = tdx ? TeeType::sgx : TeeType::tdx;
  other.quote_version = 4;
  cases.push_back(made("quote-kind-wrong-kind", "wrong-kind", "quote-kind", other));
  for (const auto& [name, rule] :
       {std::pair(kPckCrl, "pck-revocation"), std::pair(kRootCaCrl, "pck-revocation"),
        std::pair(kTcbInfo, "tcb-info-signature"),
        std::pair(kQeIdentity, "qe-identity-signature")}) {
    CaseForTesting without = made(fmt::format("without-{}", name.substr(0, name.find('.'))),
                                  "missing-collateral", rule, platform);
    Collateral rest;
    for (const auto& [key, bytes] : without.collateral.blobs()) {
      if (key != name) CHECK(rest.add(key, bytes));
    }
    without.collateral = rest;
    cases.push_back(std::move(without));
  }
  for (const auto& [name, rule] :
       {std::pair(kPckChain, "pck-chain-format"), std::pair(kPckCrlIssuerChain, "pck-crl-issuer"),
        std::pair(kTcbInfo, "tcb-info-signature")}) {
    CaseForTesting broken =
        made(fmt::format("broken-{}", name.substr(0, name.find('.'))), "malformed", rule, platform);
    CHECK(broken.collateral.add(std::string(name), bytes_of("{}")));
    cases.push_back(std::move(broken));
  }
}

}  // namespace

const std::vector<RefusalForTesting>& refusals_for_testing() {
  static const std::vector<RefusalForTesting> kAll = {
      {"identity-mismatch qe-vendor", [](SimulatedPlatform& p) { p.qe_vendor_id[0] ^= 1; }},
      {"expired pck-chain",
       [](SimulatedPlatform& p) { p.pck_spec.not_after = SimulatedPlatform::kTime - 1; }},
      {"expired pck-chain",
       [](SimulatedPlatform& p) { p.ca_spec.not_after = SimulatedPlatform::kTime - 1; }},
      {"not-yet-valid pck-chain",
       [](SimulatedPlatform& p) { p.pck_spec.not_before = SimulatedPlatform::kTime + 1; }},
      {"chain-invalid pck-chain",
       [](SimulatedPlatform& p) { p.ca_spec.is_ca = false, p.ca_spec.path_length.reset(); }},
      {"chain-invalid pck-chain", [](SimulatedPlatform& p) { p.root_spec.path_length = 0; }},
      {"revoked pck-chain", [](SimulatedPlatform& p) { p.pck_crl.revoked_serials = {3}; }},
      {"revoked pck-chain", [](SimulatedPlatform& p) { p.root_crl.revoked_serials = {2}; }},
      {"expired pck-chain",
       [](SimulatedPlatform& p) { p.pck_crl.next_update = SimulatedPlatform::kTime - 1; }},
      {"not-yet-valid pck-chain",
       [](SimulatedPlatform& p) { p.root_crl.this_update = SimulatedPlatform::kTime + 1; }},
      {"identity-mismatch pck-chain",
       [](SimulatedPlatform& p) { p.pck_spec.common_name = "Intel SGX TCB Signing"; }},
      {"identity-mismatch pck-chain",
       [](SimulatedPlatform& p) { p.ca_spec.common_name = "Another CA"; }},
      {"malformed pck-platform", [](SimulatedPlatform& p) { p.pck_has_extension = false; }},
      {"unsupported pck-key",
       [](SimulatedPlatform& p) {
         p.pck_key = KeyPair(KeyType::ec_p384);
         p.qe_report_signer = p.root_key;
       }},
      {"bad-signature qe-report-signature",
       [](SimulatedPlatform& p) { p.qe_report_signer = p.ca_key; }},
      {"binding-mismatch attestation-key-binding",
       [](SimulatedPlatform& p) { p.qe.report_data[40] = 1; }},
      {"malformed attestation-key",
       [](SimulatedPlatform& p) { p.attestation_key_bytes.emplace().fill(0x11); }},
      {"bad-signature quote-signature", [](SimulatedPlatform& p) { p.quote_signer = p.pck_key; }},
      {"bad-signature tcb-info-signature", [](SimulatedPlatform& p) { p.info_signer = p.pck_key; }},
      {"identity-mismatch tcb-info-signature",
       [](SimulatedPlatform& p) { p.tcb_spec.common_name = "Intel SGX PCK Certificate"; }},
      {"revoked tcb-info-signature",
       [](SimulatedPlatform& p) { p.root_crl.revoked_serials = {4}; }},
      {"expired tcb-info-signature",
       [](SimulatedPlatform& p) { p.tcb_spec.not_after = SimulatedPlatform::kTime - 1; }},
      {"unsupported tcb-info-format", [](SimulatedPlatform& p) { p.info.version = 4; }},
      {"not-yet-valid tcb-info-validity",
       [](SimulatedPlatform& p) { p.info.issue_date = SimulatedPlatform::kTime + 1; }},
      {"expired tcb-info-validity",
       [](SimulatedPlatform& p) { p.info.next_update = SimulatedPlatform::kTime - 1; }},
      {"wrong-collateral tcb-info-fmspc", [](SimulatedPlatform& p) { p.info.fmspc[0] ^= 1; }},
      {"wrong-collateral tcb-info-pceid", [](SimulatedPlatform& p) { p.info.pce_id[0] ^= 1; }},
      {"unsupported qe-identity-format", [](SimulatedPlatform& p) { p.identity_version = 3; }},
      {"wrong-collateral qe-identity-kind", [](SimulatedPlatform& p) { p.identity.id = "QVE"; }},
      {"not-yet-valid qe-identity-validity",
       [](SimulatedPlatform& p) { p.identity.issue_date = SimulatedPlatform::kTime + 1; }},
      {"expired qe-identity-validity",
       [](SimulatedPlatform& p) { p.identity.next_update = SimulatedPlatform::kTime - 1; }},
      {"identity-mismatch qe-miscselect", [](SimulatedPlatform& p) { p.qe.misc_select[1] = 1; }},
      {"identity-mismatch qe-attributes",
       [](SimulatedPlatform& p) { p.qe.attributes[0] |= kEnclaveDebug; }},
      {"identity-mismatch qe-mrsigner", [](SimulatedPlatform& p) { p.qe.mr_signer[31] ^= 1; }},
      {"identity-mismatch qe-isvprodid", [](SimulatedPlatform& p) { p.qe.isv_prod_id = 9; }},
      {"tcb-not-supported qe-tcb-level", [](SimulatedPlatform& p) { p.qe.isv_svn = 1; }},
      {"tcb-not-supported tcb-level", [](SimulatedPlatform& p) { p.pck.sgx_components[15] = 0; }},
      {"tcb-not-supported tcb-level", [](SimulatedPlatform& p) { p.pck.pce_svn = 4; }},
      {"tcb-revoked tcb-not-revoked", [](SimulatedPlatform& p) { p.pck.sgx_components[0] = 2; }},
      {"tcb-revoked tcb-not-revoked", [](SimulatedPlatform& p) { p.qe.isv_svn = 3; }},
  };
  return kAll;
}

const std::vector<RefusalForTesting>& td_refusals_for_testing() {
  static const std::vector<RefusalForTesting> kAll = {
      {"wrong-collateral tcb-info-kind", [](SimulatedPlatform& p) { p.info_id = "SGX"; }},
      {"unsupported tcb-info-format", [](SimulatedPlatform& p) { p.info_id = "XYZ"; }},
      {"wrong-collateral tdx-module-identity",
       [](SimulatedPlatform& p) { p.td.tee_tcb_svn[1] = 2; }},
      {"identity-mismatch tdx-module-mrsigner",
       [](SimulatedPlatform& p) { p.td.mr_signer_seam[0] = 1; }},
      {"identity-mismatch tdx-module-attributes",
       [](SimulatedPlatform& p) { p.td.seam_attributes[0] = 1; }},
      {"tcb-not-supported tdx-module-tcb-level",
       [](SimulatedPlatform& p) { p.td.tee_tcb_svn[0] = 0; }},
      {"tcb-revoked tcb-not-revoked", [](SimulatedPlatform& p) { p.td.tee_tcb_svn[0] = 1; }},
      {"identity-mismatch tdx-module-mrsigner",
       [](SimulatedPlatform& p) { p.td.tee_tcb_svn[1] = 0, p.td.mr_signer_seam[0] = 1; }},
  };
  return kAll;
}

std::vector<CaseForTesting> make_cases_for_testing(const SimulatedPlatform& platform) {
  std::vector<CaseForTesting> cases;
  cases.push_back(made("good", "verified", "-", platform));
  SimulatedPlatform newest = platform;
  newest.quote_version = 5;
  cases.push_back(made("good-version-5", "verified", "-", newest));
  newest.td.tee_tcb_svn2 = newest.td.tee_tcb_svn;
  cases.push_back(made("good-version-5-td-1-5", "verified", "-", newest));
  std::vector<RefusalForTesting> refusals = refusals_for_testing();
  if (platform.info.tee == TeeType::tdx) {
    const auto& more = td_refusals_for_testing();
    refusals.insert(refusals.end(), more.begin(), more.end());
  }
  add_incomplete(platform, cases);
  std::map<std::string, int> seen;
  for (const auto& [expected, spoil] : refusals) {
    SimulatedPlatform spoilt = platform;
    spoil(spoilt);
    if (spoilt.root_spec.path_length != platform.root_spec.path_length) continue;
    const size_t space = expected.find(' ');
    CHECK(space != std::string::npos);
    const std::string verdict = expected.substr(0, space);
    const std::string rule = expected.substr(space + 1);
    const int count = ++seen[expected];
    std::string name = rule + "-" + verdict;
    if (count > 1) name += fmt::format("-{}", count);
    cases.push_back(made(std::move(name), verdict, rule, spoilt));
  }
  return cases;
}

}  // namespace sotto::attest::tdx

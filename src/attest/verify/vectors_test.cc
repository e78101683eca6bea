// Recorded evidence of each kind through the one door, and what the default policy makes of it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "attest/appraise/appraise.h"
#include "attest/vectors_for_testing.h"
#include "attest/verify/verify_evidence.h"
#include "base/utc_time.h"

namespace sotto::attest {
namespace {

struct Row {
  const char* kind;
  const char* evidence;
  std::vector<std::pair<const char*, const char*>> collateral;  // name and file; a folder for ""
  const char* time;
  const char* expected;  // "verified", or the reason
};

const std::vector<Row> kIntel = {
    {"tdx-quote",
     "tdx/Phala-Network_dcap-qvl/tdx_quote/quote.bin",
     {{"", "tdx/Phala-Network_dcap-qvl/tdx_quote/collateral"}},
     "2025-07-01T00:00:00Z",
     "verified"},
    {"tdx-quote",
     "tdx/confidential-containers_trustee/tdx_quote_4.dat",
     {{"tcb_info.json", "tdx/google_go-tdx-guest/sample_tcbInfo_response"},
      {"qe_identity.json", "tdx/google_go-tdx-guest/sample_qeIdentity_response"},
      {"pck_crl.der", "tdx/google_go-tdx-guest/pckcrl"},
      {"root_ca_crl.der", "tdx/google_go-tdx-guest/rootcrl.der"},
      {"tcb_signing_chain.pem", "tdx/edgelesssys_go-tdx-qpl/tcbSigningChain.pem"}},
     "2023-06-20T00:00:00Z",
     "debug"},
    {"tdx-quote",
     "tdx/google_go-tdx-guest/ccel/cos-113-tdx-quote.dat",
     {{"", "tdx/flashbots_attested-tls/dcap-tdx-1766059550570652607.collateral"}},
     "2026-01-27T10:19:01Z",
     "policy"},
    {"sgx-quote",
     "tdx/Phala-Network_dcap-qvl/sgx_quote/quote.bin",
     {{"", "tdx/Phala-Network_dcap-qvl/sgx_quote/collateral"}},
     "2025-06-19T23:59:59Z",
     "policy"},
    {"sgx-quote",
     "tdx/matter-labs_teepot/quote_v3_sgx/quote.bin",
     {{"", "tdx/matter-labs_teepot/quote_v3_sgx/collateral"}},
     "2025-03-04T09:43:01Z",
     "verified"},
    {"sgx-quote",
     "tdx/confidential-containers_trustee/occlum_quote.dat",
     {{"", "tdx/matter-labs_teepot/quote_v3_sgx/collateral"}},
     "2025-03-04T09:43:01Z",
     "debug"},
};

const std::vector<Row> kOthers = {
    {"snp-report",
     "snp/microsoft_TEE-Attestation-Verification/milan.bin",
     {{"vek.der", "snp/microsoft_TEE-Attestation-Verification/milan.vcek.der"}},
     "2026-06-01T00:00:00Z",
     "verified"},
    {"snp-report",
     "snp/microsoft_TEE-Attestation-Verification/genoa.bin",
     {{"vek.der", "snp/microsoft_TEE-Attestation-Verification/genoa.vcek.der"}},
     "2026-06-01T00:00:00Z",
     "verified"},
    {"snp-report",
     "snp/microsoft_TEE-Attestation-Verification/turin.bin",
     {{"vek.der", "snp/microsoft_TEE-Attestation-Verification/turin.vcek.der"}},
     "2026-06-01T00:00:00Z",
     "verified"},
    {"snp-report",
     "snp/google_go-sev-guest/milan_v2_debug.bin",
     {{"vek.der", "snp/google_go-sev-guest/milan_v2_debug.vcek.der"}},
     "2025-06-01T00:00:00Z",
     "debug"},
    {"nitro-document",
     "nitro/flashbots_attested-tls/aws-nitro-prod-2026-05-21.bin",
     {},
     "2026-05-21T12:08:00Z",
     "verified"},
    {"nitro-document",
     "nitro/flashbots_attested-tls/aws-nitro-debug-2026-05-20.bin",
     {},
     "2026-05-20T12:53:00Z",
     "debug"},
    {"nras-token",
     "nvidia/nras/tinfoil_h100_20260629/eat.json",
     {{"jwks.json", "nvidia/nras/tinfoil_h100_20260629/jwks.json"}},
     "2026-06-29T02:20:00Z",
     "verified"},
    {"google-cs-token", "gcp/project-oak_oak/sample_tdx.jwt", {}, "2025-09-05T08:20:00Z", "policy"},
    {"ita-token",
     "ita/intel_trustauthority-kbs/tdx_prod_2023-12.jwt",
     {{"jwks.json", "ita/prod_jwks_2024.json"}},
     "2023-12-05T00:12:00Z",
     "policy"},
    {"maa-token",
     "azure/maa/maa_snp_cvm_2025-12.jwt",
     {{"jwks.json", "azure/maa/jwks_sharedeus2.json"}},
     "2025-12-15T19:30:00Z",
     "verified"},
};

// A token of Confidential Space does not say whether its machine may migrate, so that the default policy
// cannot accept it; the machine of Intel Trust Authority's is out of date.
TEST(RecordedEvidence, is_appraised_by_the_default_policy) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const Policy policy = default_policy();
  std::vector<Row> rows = kIntel;
  rows.insert(rows.end(), kOthers.begin(), kOthers.end());
  for (const Row& row : rows) {
    SCOPED_TRACE(row.evidence);
    Collateral collateral;
    for (const auto& [name, path] : row.collateral) {
      if (*name == '\0') {
        collateral = read_collateral(path);
      } else {
        EXPECT_TRUE(collateral.add(name, read_vector(path)));
      }
    }
    const Appraisal appraisal =
        appraise(verify_evidence(evidence_kind(row.kind).value(), read_vector(row.evidence),
                                 collateral, roots, parse_utc_time(row.time).value()),
                 policy);
    const std::string said =
        appraisal.verified ? "verified" : std::string(to_string(appraisal.error->reason));
    EXPECT_EQ(said, row.expected) << (appraisal.error ? appraisal.error->message : "");
  }
}

}  // namespace
}  // namespace sotto::attest

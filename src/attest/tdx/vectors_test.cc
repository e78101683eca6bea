// Recorded quotes of TDX and SGX machines: each gives the verdict and the reason that are known for it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>

#include "attest/tdx/collateral.h"
#include "attest/tdx/pck.h"
#include "attest/tdx/quote.h"
#include "attest/tdx/recorded_for_testing.h"
#include "attest/tdx/tcb.h"
#include "attest/tdx/verify.h"
#include "attest/vectors_for_testing.h"
#include "base/utc_time.h"

namespace sotto::attest::tdx {
namespace {

struct Case {
  const char* kind;
  const char* quote;
  const char* collateral;  // a set of recorded_for_testing.h
  const char* time;
  const char* expected;  // as outcome() writes it
  const char* advisories = "";
  bool debug = false;
};

#define kGoogle2023                                                      \
  "tcb_info.json=tdx/google_go-tdx-guest/sample_tcbInfo_response "       \
  "qe_identity.json=tdx/google_go-tdx-guest/sample_qeIdentity_response " \
  "pck_crl.der=tdx/google_go-tdx-guest/pckcrl "                          \
  "root_ca_crl.der=tdx/google_go-tdx-guest/rootcrl.der "                 \
  "tcb_signing_chain.pem=tdx/edgelesssys_go-tdx-qpl/tcbSigningChain.pem"
#define kDcapJanuary "tdx/flashbots_attested-tls/dcap-tdx-1766059550570652607.collateral/"
#define kAzureFebruary "tdx/flashbots_attested-tls/azure_failed_dcap_quote_10.collateral/"
#define kGcpJune "tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.collateral/"
#define kAutomata                                                          \
  "qe_identity.json=tdx/automata-network_dcap-rs/qeidentityv2_apiv4.json " \
  "root_ca_crl.der=tdx/automata-network_dcap-rs/intel_root_ca_crl.der "    \
  "pck_crl.der=tdx/automata-network_dcap-rs/pck_platform_crl.der "         \
  "tcb_signing_chain.pem=tdx/automata-network_dcap-rs/tcb_signing_cert.pem"
#define kOasis2022                                                                  \
  "tcb_info.json=tdx/oasisprotocol_oasis-core/tcb_info_v3_fmspc_00606A000000.json " \
  "qe_identity.json=tdx/oasisprotocol_oasis-core/qe_identity_v2.json "              \
  "tcb_signing_chain.pem=tdx/oasisprotocol_oasis-core/tcb_info_v3_fmspc_00606A000000_certs.pem"

const Case kCases[] = {
    {"tdx-quote", "tdx/Phala-Network_dcap-qvl/tdx_quote/quote.bin",
     "tdx/Phala-Network_dcap-qvl/tdx_quote/collateral/", "2025-07-01T00:00:00Z", "UpToDate"},
    {"tdx-quote", "tdx/Phala-Network_dcap-qvl/tdx_quote_outdated/quote.bin",
     "tdx/Phala-Network_dcap-qvl/tdx_quote_outdated/collateral/", "2026-03-01T00:00:00Z",
     "!tcb-not-supported"},
    {"sgx-quote", "tdx/Phala-Network_dcap-qvl/sgx_quote/quote.bin",
     "tdx/Phala-Network_dcap-qvl/sgx_quote/collateral/", "2025-06-19T23:59:59Z",
     "ConfigurationAndSWHardeningNeeded", "INTEL-SA-00289 INTEL-SA-00615"},
    {"tdx-quote", "tdx/Phala-Network_dcap-qvl/near_gas_test/quote.bin",
     "tdx/Phala-Network_dcap-qvl/near_gas_test/collateral/", "2025-09-10T00:00:00Z", "UpToDate"},
    {"tdx-quote", "tdx/Phala-Network_dcap-qvl/quote_no_collateral_1.bin",
     "tdx/Phala-Network_dcap-qvl/tdx_quote/collateral/", "2025-07-01T00:00:00Z",
     "!tcb-not-supported"},
    {"tdx-quote", "tdx/Phala-Network_dcap-qvl/quote_no_collateral_tappd.bin",
     "tdx/Phala-Network_dcap-qvl/tdx_quote/collateral/", "2025-07-01T00:00:00Z",
     "!tcb-not-supported"},
    {"tdx-quote", "tdx/Phala-Network_dcap-qvl/quote_no_collateral_tappd.bin", "",
     "2025-07-01T00:00:00Z", "!missing-collateral"},
    {"sgx-quote", "tdx/Phala-Network_dcap-qvl/tdx_quote/quote.bin",
     "tdx/Phala-Network_dcap-qvl/tdx_quote/collateral/", "2025-07-01T00:00:00Z", "!wrong-kind"},
    {"tdx-quote", "tdx/Phala-Network_dcap-qvl/sgx_quote/quote.bin",
     "tdx/Phala-Network_dcap-qvl/sgx_quote/collateral/", "2025-06-19T23:59:59Z", "!wrong-kind"},
    {"tdx-quote", "tdx/google_go-tdx-guest/tdx_prod_quote_SPR_E4.dat", kGoogle2023,
     "2023-07-01T01:00:00Z", "!malformed"},
    {"tdx-quote", "tdx/google_go-tdx-guest/tdx_prod_quote_SPR_E4.dat:4935", kGoogle2023,
     "2023-07-01T01:00:00Z", "!tcb-not-supported"},
    {"tdx-quote", "tdx/google_go-tdx-guest/tdx_prod_quote_SPR_E4.dat:4935", kGoogle2023,
     "2053-07-01T01:00:00Z", "!expired"},
    {"tdx-quote", "tdx/google_go-tdx-guest/quote_v5_sample.dat",
     kDcapJanuary " tcb_info.json=tdx/google_go-tdx-guest/sample_tcbinfo_response_v5",
     "2026-02-03T01:00:00Z", "UpToDate"},
    {"tdx-quote", "tdx/google_go-tdx-guest/quote_v5_sample.dat",
     kDcapJanuary " tcb_info.json=tdx/google_go-tdx-guest/sample_tcbinfo_response_v5 "
                  "qe_identity.json=tdx/google_go-tdx-guest/sample_qeIdentity_response",
     "2026-02-03T01:00:00Z", "!expired"},
    {"tdx-quote", "tdx/google_go-tdx-guest/preproduction/quote_v5_nonproduction_root.dat",
     kDcapJanuary, "2026-02-03T01:00:00Z", "!untrusted-root"},
    {"tdx-quote", "tdx/google_go-tdx-guest/report.dat", kDcapJanuary, "2026-02-03T01:00:00Z",
     "!unsupported"},
    {"tdx-quote", "tdx/google_go-tdx-guest/ccel/cos-113-tdx-quote.dat",
     "tdx/matter-labs_teepot/quote_v4_tdx/collateral/", "2025-03-06T00:00:00Z", "UpToDate"},
    {"tdx-quote", "tdx/google_go-tdx-guest/ccel/cos-113-tdx-quote.dat", kDcapJanuary,
     "2026-01-27T10:19:01Z", "OutOfDate",
     "INTEL-SA-01010 INTEL-SA-01036 INTEL-SA-01076 INTEL-SA-01079 INTEL-SA-01099 INTEL-SA-01103 "
     "INTEL-SA-01111"},
    {"tdx-quote", "tdx/matter-labs_teepot/quote_v4_tdx/quote.bin",
     "tdx/matter-labs_teepot/quote_v4_tdx/collateral/", "2025-03-06T00:00:00Z", "UpToDate"},
    {"sgx-quote", "tdx/matter-labs_teepot/quote_v3_sgx/quote.bin",
     "tdx/matter-labs_teepot/quote_v3_sgx/collateral/", "2025-03-04T09:43:01Z",
     "SWHardeningNeeded"},
    {"sgx-quote", "tdx/oasisprotocol_oasis-core/quote_v3_ecdsa_p256_pck_chain.bin", kOasis2022,
     "2022-12-20T00:50:04Z", "!missing-collateral"},
    {"sgx-quote", "tdx/oasisprotocol_oasis-core/quote_v3_ecdsa_p256_pck_chain.bin", kOasis2022,
     "2029-12-05T11:12:02Z", "!expired"},
    {"sgx-quote", "tdx/oasisprotocol_oasis-core/quote_v3_ecdsa_p256_pck_chain.bin", kOasis2022,
     "2022-12-05T11:12:00Z", "!not-yet-valid"},
    {"sgx-quote", "tdx/oasisprotocol_oasis-core/quote_v3_ecdsa_p256_eppid.bin", kOasis2022,
     "2022-12-20T00:50:04Z", "!missing-collateral"},
    {"tdx-quote", "tdx/oasisprotocol_oasis-core/quote_v4_tdx_ecdsa_p256.bin", "",
     "2024-09-02T07:43:52Z", "!missing-collateral"},
    {"tdx-quote", "tdx/oasisprotocol_oasis-core/quote_v4_tdx_ecdsa_p256_out_of_date.bin",
     kGoogle2023, "2023-06-18T12:36:16Z", "!tcb-not-supported"},
    {"tdx-quote", "tdx/oasisprotocol_oasis-core/quote_v4_tdx_ecdsa_p256_trailing.bin", "",
     "2024-10-02T00:00:00Z", "!missing-collateral"},
    {"tdx-quote", "tdx/flashbots_attested-tls/dcap-tdx-1766059550570652607.bin", kDcapJanuary,
     "2026-01-27T10:19:01Z", "UpToDate"},
    {"tdx-quote", "tdx/flashbots_attested-tls/azure_failed_dcap_quote_10.bin", kAzureFebruary,
     "2026-02-18T11:29:16Z", "!tcb-not-supported"},
    {"tdx-quote", "tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.bin", kGcpJune,
     "2026-06-30T08:47:13Z", "UpToDate"},
    {"tdx-quote", "tdx/flashbots_attested-tls/quote_tcb_0f010a.bin", kGcpJune,
     "2026-09-01T00:00:00Z", "!expired"},
    {"tdx-quote", "tdx/flashbots_attested-tls/quote_shell_tcb_0f010a.bin", kGcpJune,
     "2026-09-01T00:00:00Z", "!expired"},
    {"tdx-quote", "tdx/openenclave_openenclave/tdx_quote.bin", kGoogle2023, "2023-06-20T00:00:00Z",
     "UpToDate"},
    {"tdx-quote", "tdx/openenclave_openenclave/tdx_quote_v5.bin",
     "oe-tdx:tdx/openenclave_openenclave/tdx_quote_v5_endorsement_eval21.bin",
     "2026-06-20T00:00:00Z", "OutOfDate",
     "INTEL-SA-00960 INTEL-SA-00982 INTEL-SA-00986 INTEL-SA-01010 INTEL-SA-01036 INTEL-SA-01076 "
     "INTEL-SA-01079 INTEL-SA-01099 INTEL-SA-01103 INTEL-SA-01111 INTEL-SA-01192 INTEL-SA-01245 "
     "INTEL-SA-01312 INTEL-SA-01313 INTEL-SA-01314 INTEL-SA-01397"},
    {"tdx-quote", "tdx/openenclave_openenclave/tdx_quote_v5.bin",
     "tdx/matter-labs_teepot/quote_v4_tdx/collateral/", "2025-03-06T00:00:00Z", "OutOfDate",
     "INTEL-SA-00960 INTEL-SA-00982 INTEL-SA-00986"},
    {"tdx-quote", "tdx/openenclave_openenclave/tdx_quote-moduleupdate-seamldr5.dat",
     "oe-tdx:tdx/openenclave_openenclave/tdx_endorsement_data.bin", "2025-03-01T00:00:00Z",
     "TDRelaunchAdvised", "INTEL-SA-01036 INTEL-SA-01099"},
    {"tdx-quote", "tdx/openenclave_openenclave/tdx_quote-moduleupdate-seamldr5.dat",
     kAutomata " tcb_info.json=tdx/automata-network_dcap-rs/tcb_info_v3_tdx_0.json",
     "2025-02-20T00:00:00Z", "UpToDate"},
    {"sgx-quote", "81:tdx/openenclave_openenclave/sgx/evidence",
     "oe-sgx:tdx/openenclave_openenclave/sgx/endorsements", "2022-04-27T00:00:00Z",
     "SWHardeningNeeded", "", true},
    {"sgx-quote", "16:tdx/openenclave_openenclave/sgx/sgx_report_bad.bin",
     "oe-sgx:tdx/openenclave_openenclave/sgx/endorsements", "2022-04-27T00:00:00Z",
     "!untrusted-root"},
    {"tdx-quote", "tdx/confidential-containers_trustee/tdx_quote_4.dat", kGoogle2023,
     "2023-06-20T00:00:00Z", "UpToDate", "", true},
    {"tdx-quote", "tdx/confidential-containers_trustee/tdx_quote_5.dat", kAzureFebruary,
     "2026-02-19T00:00:00Z", "!tcb-not-supported"},
    {"tdx-quote", "tdx/confidential-containers_trustee/tdx_quote_6.dat",
     "tcb_info.json=tdx/confidential-containers_trustee/tcbInfo.json "
     "qe_identity.json=tdx/confidential-containers_trustee/enclaveIdentity.json",
     "2025-11-01T00:00:00Z", "!missing-collateral"},
    {"sgx-quote", "tdx/confidential-containers_trustee/occlum_quote.dat",
     "tdx/matter-labs_teepot/quote_v3_sgx/collateral/", "2025-03-04T09:43:01Z", "OutOfDate", "",
     true},
    {"tdx-quote", "tdx/confidential-containers_trustee/AAEL_quote_tdx.bin", "",
     "2025-01-01T00:00:00Z", "!missing-collateral"},
    {"tdx-quote", "tdx/confidential-containers_trustee/nonproduction_root_quote.bin", kDcapJanuary,
     "2026-01-27T10:19:01Z", "!untrusted-root"},
    {"tdx-quote", "tdx/automata-network_dcap-rs/quote_tdx_00806f050000.dat",
     kAutomata " tcb_info.json=tdx/automata-network_dcap-rs/tcbinfov3_00806f050000.json",
     "2025-02-20T00:00:00Z", "OutOfDate", "INTEL-SA-00960 INTEL-SA-00982 INTEL-SA-00986"},
    {"tdx-quote", "tdx/automata-network_dcap-rs/quote_tdx_90c06f000000.dat",
     kAutomata " tcb_info.json=tdx/automata-network_dcap-rs/tcb_info_v3_tdx_0.json",
     "2025-02-20T00:00:00Z", "!tcb-not-supported"},
    {"tdx-quote", "tdx/automata-network_dcap-rs/quote_tdx_90c06f000000.dat",
     kAutomata " tcb_info.json=tdx/automata-network_dcap-rs/tcb_info_v3_tdx_1.json",
     "2025-02-20T00:00:00Z", "!tcb-not-supported"},
    {"tdx-quote", "tdx/automata-network_dcap-rs/quote_tdx_00806f050000.dat",
     kAutomata " tcb_info.json=tdx/automata-network_dcap-rs/tcbinfov2.json", "2025-02-20T00:00:00Z",
     "!wrong-collateral"},
    {"tdx-quote", "tdx/edgelesssys_go-tdx-qpl/quote.bin",
     "tcb_info.json=tdx/edgelesssys_go-tdx-qpl/tcbinfo.json "
     "qe_identity.json=tdx/edgelesssys_go-tdx-qpl/qeidentity.json "
     "tcb_signing_chain.pem=tdx/edgelesssys_go-tdx-qpl/tcbSigningChain.pem "
     "pck_crl_issuer_chain.pem=tdx/edgelesssys_go-tdx-qpl/pckCrlSigningChain.pem",
     "2023-02-20T00:00:00Z", "!missing-collateral"},
    {"tdx-quote", "tdx/intel_QuoteVerificationLibrary/tdx/quote.dat",
     "pck_chain.pem=tdx/intel_QuoteVerificationLibrary/tdx/pckCert.pem", "2022-02-20T00:00:00Z",
     "!untrusted-root"},
    {"sgx-quote", "tdx/intel_QuoteVerificationLibrary/quote.dat",
     "pck_chain.pem=tdx/intel_QuoteVerificationLibrary/pckCert.pem", "2022-02-20T00:00:00Z",
     "!untrusted-root"},
    {"tdx-quote", "tdx/cc-api_cc-trusted-api/quote.bin", "", "2025-02-20T00:00:00Z",
     "!untrusted-root"},
    {"tdx-quote", "tdx/bad/tdx_quote_broken_pem_2.bin", kDcapJanuary, "2026-01-27T10:19:01Z",
     "!malformed"},
    {"sgx-quote", "tdx/fortanix_rust-sgx/quote_pck_cert_chain.bin", "", "2021-01-01T00:00:00Z",
     "!missing-collateral"},
    {"sgx-quote", "tdx/fortanix_rust-sgx/quote_pck_cert_chain_corrupted.bin", "",
     "2021-01-01T00:00:00Z", "!bad-signature"},
    {"tdx-quote", "bundles/tinfoil_tdx_h100_20260629/quote.bin",
     "bundles/tinfoil_tdx_h100_20260629/collateral/", "2026-06-29T02:13:04Z", "UpToDate"},
    {"tdx-quote", "bundles/tinfoil_tdx_h100_20260629/bad/quote_reportdata_flipped.bin",
     "bundles/tinfoil_tdx_h100_20260629/collateral/", "2026-06-29T02:13:04Z", "!bad-signature"},
    {"tdx-quote", "bundles/tinfoil_tdx_h100_20260629/bad/quote_debug_bit_set.bin",
     "bundles/tinfoil_tdx_h100_20260629/collateral/", "2026-06-29T02:13:04Z", "!bad-signature"},
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

TEST(TdxVectors, give_their_known_verdicts) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  std::map<std::string, std::pair<int, int>> table;
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.quote);
    const bool tdx = std::string(one.kind) == "tdx-quote";
    const auto verify = tdx ? verify_tdx_quote : verify_sgx_quote;
    const Verified<Claims> result =
        verify(recorded_quote(one.quote), recorded_collateral(one.collateral), roots,
               parse_utc_time(one.time).value());
    EXPECT_EQ(outcome(result), one.expected) << (result ? "" : result.error().message);
    if (result) {
      EXPECT_EQ(joined(result->tcb->advisories), one.advisories);
      EXPECT_EQ(result->debug, one.debug);
      EXPECT_GE(result->valid_until.value(), result->verified_at);
      for (const Rule& rule : result->rules) EXPECT_EQ(rule.verdict, RuleVerdict::passed);
    } else if (!result.error().rules.empty()) {
      EXPECT_EQ(result.error().rules.back().verdict, RuleVerdict::failed);
    }
    ++table[one.kind].first;
    table[one.kind].second += outcome(result) == one.expected ? 1 : 0;
  }
  for (const auto& [kind, counts] : table) {
    std::printf("%-16s %3d vectors, %3d as expected\n", kind.c_str(), counts.first, counts.second);
  }
}

// Quotes for which no CRL of their time was recorded: everything but revocation, step by step. The
// whole verification refuses them for want of a CRL only (above), so their signatures are good.
struct Parts {
  const char* quote;
  const char* tcb_info;
  const char* qe_identity;
  const char* signing_chain;
  const char* time;
  const char* expected;  // or '!' and the reason
};

const Parts kParts[] = {
    {"tdx/oasisprotocol_oasis-core/quote_v3_ecdsa_p256_pck_chain.bin",
     "tdx/oasisprotocol_oasis-core/tcb_info_v3_fmspc_00606A000000.json",
     "tdx/oasisprotocol_oasis-core/qe_identity_v2.json",
     "tdx/oasisprotocol_oasis-core/tcb_info_v3_fmspc_00606A000000_certs.pem",
     "2022-12-20T00:50:04Z", "SWHardeningNeeded"},
    {"tdx/oasisprotocol_oasis-core/quote_v3_ecdsa_p256_pck_chain.bin",
     "tdx/oasisprotocol_oasis-core/tcb_info_v3_fmspc_00606A000000.json",
     "tdx/oasisprotocol_oasis-core/qe_identity_v2.json",
     "tdx/oasisprotocol_oasis-core/tcb_info_v3_fmspc_00606A000000_certs_bad.pem",
     "2022-12-20T00:50:04Z", "!bad-signature"},
    {"tdx/oasisprotocol_oasis-core/quote_v4_tdx_ecdsa_p256.bin",
     "tdx/oasisprotocol_oasis-core/tcb_info_v3_tdx_fmspc_C0806F000000.json",
     "tdx/oasisprotocol_oasis-core/qe_identity_v2_tdx2.json",
     "tdx/oasisprotocol_oasis-core/tcb_info_v3_fmspc_00606A000000_certs.pem",
     "2024-09-02T07:43:52Z", "UpToDate"},
    {"tdx/confidential-containers_trustee/tdx_quote_6.dat",
     "tdx/confidential-containers_trustee/tcbInfo.json",
     "tdx/confidential-containers_trustee/enclaveIdentity.json",
     "tdx/flashbots_attested-tls/dcap-tdx-1766059550570652607.collateral/tcb_signing_chain.pem",
     "2025-11-01T00:00:00Z", "OutOfDate"},
    {"tdx/edgelesssys_go-tdx-qpl/quote.bin", "tdx/edgelesssys_go-tdx-qpl/tcbinfo.json",
     "tdx/edgelesssys_go-tdx-qpl/qeidentity.json", "tdx/edgelesssys_go-tdx-qpl/tcbSigningChain.pem",
     "2023-02-20T00:00:00Z", "UpToDate"},
    {"tdx/flashbots_attested-tls/quote_tcb_0f010a.bin",
     "tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.collateral/tcb_info.json",
     "tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.collateral/qe_identity.json",
     "tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.collateral/tcb_signing_chain.pem",
     "2026-07-01T00:00:00Z", "UpToDate"},
    {"tdx/flashbots_attested-tls/quote_shell_tcb_0f010a.bin",
     "tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.collateral/tcb_info.json",
     "tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.collateral/qe_identity.json",
     "tdx/flashbots_attested-tls/gcp-tdx-1782809233226668671.collateral/tcb_signing_chain.pem",
     "2026-07-01T00:00:00Z", "UpToDate"},
};

std::string text_of(const std::string& path) {
  const std::vector<uint8_t> bytes = read_vector(path);
  return {bytes.begin(), bytes.end()};
}

Verified<std::string> checked_section(const std::string& path, std::string_view member,
                                      const std::string& chain_path, int64_t time) {
  const auto chain = crypto::parse_pem_chain(text_of(chain_path)).value();
  const Roots roots = Roots::pinned();
  TRY(lift("signer",
           crypto::verify_chain(chain[0], chain, roots.of(Vendor::intel_sgx).roots, {}, time)));
  const std::string json = text_of(path);
  const SignedSection section = TRY(lift("section", split_signed(json, member)));
  TRY(lift("section", crypto::verify_signature(TRY(lift("key", chain[0].public_key())),
                                               crypto::SignatureScheme::ecdsa_raw,
                                               crypto::HashAlgorithm::sha256,
                                               as_bytes(section.bytes), section.signature)));
  return std::string(section.bytes);
}

Verified<TcbStatus> status_by_parts(const Parts& one) {
  const int64_t time = parse_utc_time(one.time).value();
  const QuoteUnverified quote = TRY(lift("quote", parse_quote(read_vector(one.quote))));
  const std::string pem(quote.certification_data.begin(), quote.certification_data.end());
  const auto chain = TRY(lift("PCK", crypto::parse_pem_chain(pem)));
  const PckPlatform platform = TRY(lift("PCK", parse_pck_platform(chain[0])));
  const TcbInfo info = TRY(
      lift("TCB info",
           parse_tcb_info(TRY(checked_section(one.tcb_info, "tcbInfo", one.signing_chain, time)))));
  const EnclaveIdentity identity =
      TRY(lift("QE identity", parse_enclave_identity(TRY(checked_section(
                                  one.qe_identity, "enclaveIdentity", one.signing_chain, time)))));
  EXPECT_LE(info.issue_date, time);
  EXPECT_GE(info.next_update, time);
  EXPECT_EQ(info.fmspc, platform.fmspc);
  EXPECT_EQ(identity.mr_signer, quote.qe_report.mr_signer);
  const auto* td = std::get_if<TdReport>(&quote.report);
  TcbStatus status =
      TRY(match_platform(info, platform, td ? &td->tee_tcb_svn : nullptr)).verdict.status;
  if (td != nullptr && td->tee_tcb_svn[1] > 0) {
    const TdxModuleIdentity* module = TRY(find_module(info, td->tee_tcb_svn[1]));
    status = converge(status,
                      TRY(match_isv(module->levels, td->tee_tcb_svn[0], "module")).verdict.status);
  }
  return converge(status,
                  TRY(match_isv(identity.levels, quote.qe_report.isv_svn, "QE")).verdict.status);
}

TEST(TdxVectors, reach_their_levels_where_no_crl_was_recorded) {
  SKIP_WITHOUT_VECTORS();
  for (const Parts& one : kParts) {
    const Verified<TcbStatus> status = status_by_parts(one);
    const std::string outcome = status ? std::string(to_string(*status))
                                       : "!" + std::string(to_string(status.error().reason));
    EXPECT_EQ(outcome, one.expected) << one.quote << ": " << (status ? "" : status.error().message);
  }
}

// Intel's own sample data, which chains to a root made for it.
TEST(TdxVectors, of_a_generated_root_pass_only_by_that_root) {
  SKIP_WITHOUT_VECTORS();
  const std::string folder = "tdx/intel_QuoteVerificationLibrary/";
  for (const auto& [sub, tdx] : {std::pair("tdx/", true), std::pair("", false)}) {
    const std::string from = folder + sub;
    Collateral collateral = recorded_collateral(
        "tcb_info.json=" + from + "tcbInfo.json qe_identity.json=" + from + "qeIdentity.json " +
        "tcb_signing_chain.pem=" + from + "tcbSignChain.pem pck_crl.der=" + from +
        "intermediateCaCrl.der root_ca_crl.der=" + from + "rootCaCrl.der");
    ASSERT_TRUE(collateral.add(std::string(kPckChain), [&] {
      const std::string chain = text_of(from + "pckCert.pem") + text_of(from + "pckSignChain.pem");
      return std::vector<uint8_t>(chain.begin(), chain.end());
    }()));
    const auto verify = tdx ? verify_tdx_quote : verify_sgx_quote;
    const std::vector<uint8_t> quote = read_vector(from + "quote.dat");
    const int64_t time = parse_utc_time("2022-06-01T00:00:00Z").value();
    Roots roots = Roots::pinned();
    EXPECT_EQ(outcome(verify(quote, collateral, roots, time)), "!untrusted-root");
    roots.replace(Vendor::intel_sgx,
                  {crypto::Certificate::from_pem(text_of(from + "trustedRootCaCert.pem")).value()});
    const Verified<Claims> claims = verify(quote, collateral, roots, time);
    // The TDX sample's TCB info is past its signature, but has components that are no bytes.
    EXPECT_EQ(outcome(claims), tdx ? "!malformed" : "UpToDate")
        << from << (claims ? "" : claims.error().message);
    if (tdx) {
      EXPECT_EQ(claims.error().rules.back().name, "tcb-info-format");
    }
    if (!tdx) {
      EXPECT_TRUE(claims->root_replaced);
    }
  }
}

}  // namespace
}  // namespace sotto::attest::tdx

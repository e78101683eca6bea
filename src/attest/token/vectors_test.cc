// Recorded tokens of attestation services: each gives the verdict that is known for it.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "attest/token/keys.h"
#include "attest/token/verify.h"
#include "attest/vectors_for_testing.h"
#include "base/text_encoding.h"

namespace sotto::attest::token {
namespace {

using Verify = Verified<Claims> (*)(Bytes, const Collateral&, const Roots&, int64_t,
                                    const TokenOptions&);

struct Row {
  Verify verify;
  const char* token;
  const char* keys;  // null: none given
  int64_t time;
  const char* outcome;
};

constexpr const char* kMaa2025 = "azure/maa/maa_snp_cvm_2025-12.jwt";
constexpr const char* kMaa2023 = "azure/maa/maa_cvm_windows_2023-03.jwt";
constexpr const char* kEus2 = "azure/maa/jwks_sharedeus2.json";
constexpr const char* kWeu = "azure/maa/jwks_sharedweu.json";
constexpr const char* kIta2023 = "ita/intel_trustauthority-kbs/tdx_prod_2023-12.jwt";
constexpr const char* kItaKeys = "ita/prod_jwks_2024.json";
constexpr const char* kOak = "gcp/project-oak_oak/sample_tdx.jwt";
constexpr const char* kOakReadme = "gcp/project-oak_oak/readme_token.jwt";

const Row kRows[] = {
    {verify_maa_token, kMaa2025, kEus2, 1765826648, "verified"},
    {verify_maa_token, kMaa2025, kEus2, 1765855447, "verified"},
    {verify_maa_token, kMaa2025, kEus2, 1765855448, "!expired"},
    {verify_maa_token, kMaa2025, kEus2, 1765826587, "!not-yet-valid"},
    {verify_maa_token, kMaa2025, kWeu, 1765826648, "!wrong-collateral"},
    {verify_maa_token, kMaa2025, nullptr, 1765826648, "!missing-collateral"},
    {verify_maa_token, kMaa2023, kWeu, 1680173374, "verified"},
    {verify_maa_token, kMaa2023, kWeu, 1680202174, "!expired"},
    {verify_maa_token, "azure/maa/maa_sevsnpvm_aci_2025-04.jwt", kWeu, 1744085700,
     "!wrong-collateral"},
    {verify_maa_token, "azure/maa/sampleAttestationToken.json", kWeu, 1744085700, "!malformed"},
    {verify_maa_token, "azure/maa/sgx_sample_post.attest.response.jwt.body.json", kWeu, 1590623590,
     "!malformed"},
    {verify_maa_token, kIta2023, kItaKeys, 1701734950, "!identity-mismatch"},

    {verify_ita_token, kIta2023, kItaKeys, 1701734950, "OutOfDate"},
    {verify_ita_token, kIta2023, kItaKeys, 1701735249, "OutOfDate"},
    {verify_ita_token, kIta2023, kItaKeys, 1701735250, "!expired"},
    {verify_ita_token, kIta2023, kItaKeys, 1701734889, "!not-yet-valid"},
    {verify_ita_token, kIta2023, kItaKeys, 1735689600, "!expired"},  // the key's certificate too
    {verify_ita_token, "ita/intel_trustauthority-kbs/tdx_pilot_2024-02.jwt", kItaKeys, 1706769511,
     "!wrong-collateral"},
    {verify_ita_token, "ita/intel_trustauthority-kbs/tdx_pilot_2024-02.jwt", nullptr, 1706769511,
     "!missing-collateral"},
    {verify_ita_token, "ita/intel_trustauthority-kbs/sgx_amber_poc_2023-12.jwt", kItaKeys,
     1702750679, "!wrong-collateral"},
    {verify_ita_token, "ita/intel_trustauthority-kbs/sgx_amber_poc_2024-01.jwt", kItaKeys,
     1704926454, "!wrong-collateral"},
    {verify_ita_token, kMaa2025, kEus2, 1765826648, "!identity-mismatch"},

    {verify_google_cs_token, kOak, nullptr, 1757060250, "UpToDate"},
    {verify_google_cs_token, kOak, nullptr, 1757063850, "!expired"},
    {verify_google_cs_token, kOakReadme, nullptr, 1754912434, "UpToDate"},
    {verify_google_cs_token, kOakReadme, nullptr, 1754916034, "!expired"},
    {verify_google_cs_token, "gcp/MystenLabs_nautilus/oidc_sev.jwt", nullptr, 1753387688,
     "!missing-collateral"},
    {verify_google_cs_token, "gcp/MystenLabs_nautilus/oidc_sev.jwt", kWeu, 1753387688,
     "!wrong-collateral"},
    {verify_google_cs_token, "gcp/project-oak_oak/gcp_testdata/claims.json", nullptr, 1753387688,
     "!malformed"},
    {verify_google_cs_token, "gcp/project-oak_oak/gcp_testdata/debug_claims.json", nullptr,
     1753387688, "!malformed"},

    {verify_nras_token, "nvidia/nras/tinfoil_h100_20260629/eat.json",
     "nvidia/nras/tinfoil_h100_20260629/jwks.json", 1782699180, "verified"},
    {verify_nras_token, "nvidia/nras/tinfoil_h100_20260629/eat.json",
     "nvidia/nras/tinfoil_h100_20260629/jwks.json", 1782702780, "!expired"},
    {verify_nras_token, "nvidia/nras/near_8gpu_20260629/eat.json",
     "nvidia/nras/near_8gpu_20260629/jwks.json", 1782698794, "verified"},
    {verify_nras_token, "nvidia/nras/near_8gpu_20260629/eat.json",
     "nvidia/nras/near_8gpu_20260629/jwks.json", 1782702394, "!expired"},
    {verify_nras_token, "nvidia/nras/nanogpt_h200_20260610/eat.json",
     "nvidia/nras/nanogpt_h200_20260610/jwks.json", 1781056142, "verified"},
    {verify_nras_token, "nvidia/nras/nanogpt_h200_20260610/eat.json",
     "nvidia/nras/near_8gpu_20260629/jwks.json", 1781056142, "!wrong-collateral"},
    {verify_nras_token, "nvidia/nras/premAI_eat_example_v3claims.json",
     "nvidia/nras/near_8gpu_20260629/jwks.json", 1765834641, "!wrong-collateral"},
    {verify_nras_token, "nvidia/nras/premAI_eat_example_v3claims.json", nullptr, 1765834641,
     "!missing-collateral"},
    {verify_nras_token, "nvidia/NVIDIA_attestation-sdk/hopperClaimsv3_detached_eat.json",
     "nvidia/nras/near_8gpu_20260629/jwks.json", 1749601858, "!wrong-collateral"},
    {verify_nras_token, "nvidia/NVIDIA_attestation-sdk/switch_detached_eat.json",
     "nvidia/nras/near_8gpu_20260629/jwks.json", 1749601858, "!wrong-collateral"},
    {verify_nras_token, "bundles/tinfoil_tdx_h100_20260629/nras_eat.json",
     "bundles/tinfoil_tdx_h100_20260629/nras_jwks.json", 1782699190, "verified"},
};

Collateral keys_at(const char* path) {
  Collateral collateral;
  if (path != nullptr) {
    EXPECT_TRUE(collateral.add(std::string(kTokenKeys), read_vector(path)));
  }
  return collateral;
}

TEST(TokenVectors, every_token_gives_its_verdict) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  int passed = 0;
  for (const Row& row : kRows) {
    const auto result = row.verify(read_vector(row.token), keys_at(row.keys), roots, row.time, {});
    EXPECT_EQ(outcome(result), row.outcome)
        << row.token << ": " << (result ? "" : result.error().message);
    passed += outcome(result) == row.outcome;
  }
  std::printf("tokens: %zu rows, %d passed\n", std::size(kRows), passed);
}

TEST(TokenVectors, claims_are_read) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const Claims maa =
      verify_maa_token(read_vector(kMaa2025), keys_at(kEus2), roots, 1765826648).value();
  EXPECT_EQ(maa.platform, "amd-sev-snp");
  EXPECT_EQ(hex_of(maa.measurements.at("measurement")).substr(0, 12), "6a063be9dd79");
  EXPECT_EQ(maa.notes.at("compliance_status"), "azure-compliant-cvm");
  EXPECT_TRUE(maa.flags.at("secure_boot"));
  EXPECT_FALSE(maa.debug);

  const Claims ita =
      verify_ita_token(read_vector(kIta2023), keys_at(kItaKeys), roots, 1701734950).value();
  EXPECT_EQ(ita.platform, "intel-tdx");
  EXPECT_EQ(hex_of(ita.measurements.at("mrtd")).substr(0, 8), "5f53c388");
  EXPECT_EQ(ita.tcb->advisories, std::vector<std::string>{"INTEL-SA-00837"});
  EXPECT_EQ(ita.tcb->grade, TcbGrade::out_of_date);
  EXPECT_EQ(ita.report_data.size(), 64U);

  const Claims space = verify_google_cs_token(read_vector(kOak), {}, roots, 1757060250).value();
  EXPECT_EQ(space.platform, "intel-tdx");
  EXPECT_EQ(hex_of(space.measurements.at("image_digest")).substr(0, 8), "e2e5e367");
  EXPECT_FALSE(space.debug);

  const std::string folder = "nvidia/nras/near_8gpu_20260629/";
  const Claims nras = verify_nras_token(read_vector(folder + "eat.json"),
                                        keys_at((folder + "jwks.json").c_str()), roots, 1782698794)
                          .value();
  EXPECT_EQ(nras.notes.at("devices"), "8");
  EXPECT_EQ(hex_of(nras.report_data).substr(0, 16), "541b6523f9446dcd");
  EXPECT_FALSE(nras.debug);
}

TEST(TokenVectors, nonces_issuers_and_audiences_are_compared_when_they_are_named) {
  SKIP_WITHOUT_VECTORS();
  const Roots roots = Roots::pinned();
  const auto maa = [&](const TokenOptions& options) {
    return outcome(
        verify_maa_token(read_vector(kMaa2023), keys_at(kWeu), roots, 1680173374, options));
  };
  EXPECT_EQ(maa({.nonce = {'A', 'D', 'E', '0', '1', '0', '1'}}), "verified");
  EXPECT_EQ(maa({.nonce = {'A', 'D', 'E', '0', '1', '0', '2'}}), "!binding-mismatch");
  EXPECT_EQ(maa({.issuer = "https://sharedweu.weu.attest.azure.net"}), "verified");
  EXPECT_EQ(maa({.issuer = "https://sharedeus2.eus2.attest.azure.net"}), "!identity-mismatch");
  const auto google = [&](const TokenOptions& options) {
    return outcome(verify_google_cs_token(read_vector(kOak), {}, roots, 1757060250, options));
  };
  EXPECT_EQ(google({.audience = "z08381475938604996746"}), "UpToDate");
  EXPECT_EQ(google({.audience = "z0"}), "!binding-mismatch");
  const std::vector<uint8_t> nonce =
      bytes_of_hex("75a91c8dbe289f190d5e70ab1cb70c93cc14d7243f0ef3ff5326a622ead220a6").value();
  EXPECT_EQ(google({.nonce = nonce}), "UpToDate");
}

TEST(TokenVectors, a_wrong_root_is_refused) {
  SKIP_WITHOUT_VECTORS();
  Roots roots = Roots::pinned();
  const auto other = crypto::parse_certificates(read_vector("nvidia/roots/incorrect_rim_root.crt"));
  roots.replace(Vendor::google_confidential_space, *other);
  roots.replace(Vendor::intel_trust_authority, *other);
  EXPECT_EQ(outcome(verify_google_cs_token(read_vector(kOak), {}, roots, 1757060250)),
            "!untrusted-root");
  EXPECT_EQ(outcome(verify_ita_token(read_vector(kIta2023), keys_at(kItaKeys), roots, 1701734950)),
            "!untrusted-root");
}

TEST(TokenVectors, key_sets_of_services_are_read) {
  SKIP_WITHOUT_VECTORS();
  // Five certificates, the first of which has an RSA key of 1024 bits, which is left out.
  const auto keys =
      parse_token_keys(read_vector("azure/maa/sgx_sample_get.certs.response.body.json"));
  ASSERT_TRUE(keys) << keys.error().message;
  for (const TokenKey& key : *keys) EXPECT_GE(key.key.bits(), 2048U);
  EXPECT_LT(keys->size(), 5U);
}

}  // namespace
}  // namespace sotto::attest::token

// Real SNP reports from public repositories, each with the verdict that it must get.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <set>

#include "attest/appraise/appraise.h"
#include "attest/snp/endorsement.h"
#include "attest/snp/verify.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::snp {
namespace {

using Raw = std::vector<uint8_t>;

std::filesystem::path vectors() {
  return vectors_dir() / "snp";
}

Raw read_file(const std::string& name) {
  return read_vector("snp/" + name);
}

// Unix seconds of a day's noon.
int64_t day(int year, unsigned month, unsigned day) {
  const std::chrono::sys_days date =
      std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
  return std::chrono::seconds(date.time_since_epoch()).count() + 12 * 3600;
}

struct Vector {
  std::string report;
  std::string certificate;  // empty: none
  int64_t time;
  std::optional<Reason> reason;  // nothing: verified
  std::string failed_rule;       // of a refusal
  bool debug = false;
  std::string crl = {};
};

const std::string kMilanCrl = "openpcc_openpcc/test_amd_milan_crl.pem";
const std::string kGenoaCrl = "openpcc_openpcc/test_amd_genoa_crl.pem";
const std::string kAzure = "edgelesssys_constellation/milan_v2_azure";
const std::string kMicrosoft = "microsoft_TEE-Attestation-Verification/";
const std::string kAci = "microsoft_confidential-sidecar-containers/";
const std::string kTrustee = "confidential-containers_trustee/";
const std::string kVirtee = "virtee_sev/";
const std::string kGce = "openpcc_openpcc/gce_milan_v4.bin";

std::vector<Vector> good_vectors() {
  const auto with_vcek = [](const std::string& stem, int64_t time) {
    return Vector{stem + ".bin", stem + ".vcek.der", time, {}, ""};
  };
  const auto with_vlek = [](const std::string& stem, int64_t time) {
    return Vector{stem + ".bin", stem + ".vlek.der", time, {}, ""};
  };
  std::vector<Vector> all = {
      with_vcek("google_go-sev-guest/milan_v2_debug", day(2024, 1, 1)),
      with_vcek(kVirtee + "milan_v2", day(2024, 1, 1)),
      with_vcek(kTrustee + "milan_v2", day(2024, 1, 1)),
      with_vlek(kTrustee + "milan_v3_vlek", day(2025, 6, 1)),
      with_vcek(kMicrosoft + "milan", day(2026, 5, 1)),
      with_vcek(kMicrosoft + "genoa", day(2026, 5, 1)),
      with_vcek(kMicrosoft + "turin", day(2026, 5, 1)),
      with_vcek(kAzure, day(2024, 1, 1)),
      with_vlek("edgelesssys_constellation/milan_v2_aws_vlek_1", day(2024, 12, 1)),
      with_vlek("edgelesssys_constellation/milan_v3_aws_vlek", day(2025, 6, 1)),
      with_vcek(kAci + "milan_v2_aci", day(2024, 1, 1)),
      with_vcek(kAci + "milan_v3_aci", day(2026, 1, 1)),
      with_vcek("automata-network_amd-sev-snp-attestation-sdk/milan_v2", day(2025, 1, 1)),
      with_vcek("Dstack-TEE_dstack/milan_dstack_2026", day(2026, 7, 1)),
  };
  all[0].debug = true;
  Vector with_crl = with_vcek(kMicrosoft + "milan", day(2026, 5, 1));
  with_crl.crl = kMilanCrl;
  all.push_back(with_crl);
  return all;
}

std::vector<Vector> bad_vectors() {
  const std::string good = kTrustee + "milan_v2.bin";
  const std::string azure_vcek = kAzure + ".vcek.der";
  std::vector<Vector> all = {
      // The two certificates that the repository altered.
      {good, kTrustee + "test-vcek-invalid-legacy.der", day(2024, 1, 1), Reason::bad_signature,
       "amd-chain"},
      {good, kTrustee + "test-vcek-invalid-new.der", day(2025, 6, 1), Reason::bad_signature,
       "amd-chain"},
      // Reports whose certificate nobody has, with none and with another's.
      {"ultravioletrs_cocos/milan_v2_vmpl2.bin", "", day(2025, 1, 1), Reason::missing_collateral,
       "key-certificate"},
      {"ultravioletrs_cocos/milan_v2_vmpl2.bin", azure_vcek, day(2025, 1, 1), Reason::bad_signature,
       "report-signature"},
      {kGce, "", day(2026, 5, 1), Reason::missing_collateral, "key-certificate"},
      {kGce, kMicrosoft + "milan.vcek.der", day(2026, 5, 1), Reason::bad_signature,
       "report-signature"},
      {kGce, "openpcc_openpcc/test_vcek.pem", day(2026, 5, 1), Reason::wrong_collateral, "product"},
      // Good certificates beside the wrong report.
      {kMicrosoft + "turin.bin", kVirtee + "vcek_turin.der", day(2026, 5, 1), Reason::bad_signature,
       "report-signature"},
      {kMicrosoft + "milan.bin", kTrustee + "milan_v3_vlek.vlek.der", day(2025, 6, 1),
       Reason::wrong_collateral, "signing-key"},
      {kTrustee + "milan_v3_vlek.bin", azure_vcek, day(2025, 6, 1), Reason::wrong_collateral,
       "signing-key"},
      {kMicrosoft + "genoa.bin", "amd_roots/ask_ark_genoa.pem", day(2026, 5, 1),
       Reason::wrong_collateral, "key-certificate"},
      // Good ones at the wrong time.
      {kMicrosoft + "milan.bin", kMicrosoft + "milan.vcek.der", day(2025, 12, 1),
       Reason::not_yet_valid, "amd-chain"},
      {kTrustee + "milan_v3_vlek.bin", kTrustee + "milan_v3_vlek.vlek.der", day(2026, 5, 1),
       Reason::expired, "amd-chain"},
      // Revocation lists that are too old, or of another product.
      {kMicrosoft + "milan.bin", kMicrosoft + "milan.vcek.der", day(2026, 7, 1), Reason::expired,
       "revocation", false, kMilanCrl},
      {kMicrosoft + "genoa.bin", kMicrosoft + "genoa.vcek.der", day(2026, 5, 1), Reason::expired,
       "revocation", false, kGenoaCrl},
      {kMicrosoft + "milan.bin", kMicrosoft + "milan.vcek.der", day(2026, 5, 1),
       Reason::missing_collateral, "revocation", false, kGenoaCrl},
  };
  for (int i = 0; i <= 5; ++i) {
    all.push_back({fmt::format("edgelesssys_constellation/bad/azure_case_{}.bin", i), azure_vcek,
                   day(2024, 1, 1), Reason::bad_signature, "report-signature"});
  }
  return all;
}

Verified<Claims> verify_vector(const Vector& vector, const Roots& roots) {
  Collateral collateral;
  if (!vector.certificate.empty()) {
    EXPECT_TRUE(collateral.add(std::string(kKeyCertificate), read_file(vector.certificate)));
  }
  if (!vector.crl.empty()) {
    EXPECT_TRUE(collateral.add(std::string(kRevocationList), read_file(vector.crl)));
  }
  return verify_snp_report(read_file(vector.report), collateral, roots, vector.time);
}

class SnpVectors : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_VECTORS(); }
  Roots roots = Roots::pinned();
};

TEST_F(SnpVectors, that_are_good_are_verified) {
  size_t passed = 0;
  for (const Vector& vector : good_vectors()) {
    const auto claims = verify_vector(vector, roots);
    ASSERT_TRUE(claims.has_value()) << vector.report << ": " << to_string(claims.error().reason)
                                    << ": " << claims.error().message;
    EXPECT_EQ(claims->debug, vector.debug) << vector.report;
    const Appraisal appraisal = appraise(claims, default_policy());
    ASSERT_EQ(appraisal.verified, !vector.debug) << vector.report;
    if (appraisal.error) {
      EXPECT_EQ(appraisal.error->reason, Reason::debug);
    }
    EXPECT_FALSE(claims->flags.at("migratable")) << vector.report;
    EXPECT_EQ(claims->flags.at("revocation_checked"), !vector.crl.empty());
    EXPECT_FALSE(claims->root_replaced);
    for (const Rule& rule : claims->rules)
      EXPECT_EQ(rule.verdict, RuleVerdict::passed) << rule.name;
    EXPECT_GE(claims->rules.size(), 12u);
    ++passed;
  }
  fmt::print("snp-report, verified: {} vectors, {} passed\n", good_vectors().size(), passed);
}

TEST_F(SnpVectors, that_are_bad_are_refused_for_the_right_reason) {
  size_t passed = 0;
  for (const Vector& vector : bad_vectors()) {
    const auto claims = verify_vector(vector, roots);
    ASSERT_FALSE(claims.has_value()) << vector.report << " " << vector.certificate;
    EXPECT_EQ(claims.error().reason, *vector.reason)
        << vector.report << " " << vector.certificate << ": " << claims.error().message;
    ASSERT_FALSE(claims.error().rules.empty()) << claims.error().message;
    EXPECT_EQ(claims.error().rules.back().name, vector.failed_rule) << claims.error().message;
    EXPECT_EQ(claims.error().rules.back().verdict, RuleVerdict::failed);
    ++passed;
  }
  fmt::print("snp-report, rejected: {} vectors, {} passed\n", bad_vectors().size(), passed);
}

// So that a vector which is added is not forgotten here.
TEST_F(SnpVectors, are_all_looked_at) {
  std::set<std::string> used;
  for (const auto& vectors : {good_vectors(), bad_vectors()}) {
    for (const Vector& vector : vectors) used.insert(vector.report);
  }
  // dstack's own container, whose report is milan_dstack_2026.bin; Azure's runtime JSON.
  used.insert(
      {"Dstack-TEE_dstack/sev_snp_attestation.bin", "edgelesssys_constellation/runtimedata.bin"});
  size_t found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(vectors())) {
    if (entry.path().extension() != ".bin") continue;
    const std::string name = entry.path().lexically_relative(vectors()).string();
    EXPECT_TRUE(used.contains(name)) << name;
    ++found;
  }
  EXPECT_GE(found, used.size());
}

TEST_F(SnpVectors, are_verified_by_a_chain_that_comes_with_them) {
  Roots bare;
  bare.replace(Vendor::amd, roots.of(Vendor::amd).roots);
  Vector vector = good_vectors()[7];
  EXPECT_EQ(verify_vector(vector, bare).error().reason, Reason::untrusted_root);
  Collateral collateral;
  ASSERT_TRUE(collateral.add(std::string(kKeyCertificate), read_file(vector.certificate)));
  ASSERT_TRUE(collateral.add(std::string(kCertificateChain),
                             read_file("edgelesssys_constellation/certchain.pem")));
  const Raw report = read_file(vector.report);
  const auto claims = verify_snp_report(report, collateral, bare, vector.time);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_TRUE(claims->root_replaced);
  // The chain's own root is not trusted, however good it is.
  EXPECT_EQ(verify_snp_report(report, collateral, Roots(), vector.time).error().reason,
            Reason::untrusted_root);
}

TEST_F(SnpVectors, claim_what_their_reports_say) {
  const auto claims = verify_vector(good_vectors()[6], roots);  // Turin, version 5
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->kind, EvidenceKind::snp_report);
  EXPECT_EQ(claims->platform, "amd-sev-snp");
  EXPECT_EQ(claims->measurements.at("measurement").size(), 48u);
  EXPECT_EQ(claims->report_data.size(), 64u);
  EXPECT_EQ(claims->notes.at("product"), "Turin");
  EXPECT_EQ(claims->notes.at("report_version"), "5");
  EXPECT_EQ(claims->notes.at("guest_abi"), "0.31");
  EXPECT_EQ(claims->notes.at("firmware"), "1.55.65");
  EXPECT_EQ(claims->notes.at("reported_tcb"), "FMC 1, boot loader 1, TEE 1, SNP 4, microcode 81");
  EXPECT_EQ(claims->tcb->components.at("microcode"), "81");
  EXPECT_EQ(claims->tcb->status, "Reported");
  EXPECT_TRUE(claims->flags.at("id_block"));
  const auto vlek = verify_vector(good_vectors()[3], roots);
  ASSERT_TRUE(vlek.has_value());
  EXPECT_EQ(vlek->notes.at("csp_id"), "CN=cc-us-east-2.amazonaws.com");
  EXPECT_EQ(vlek->notes.at("vmpl"), "1");
  EXPECT_TRUE(vlek->flags.at("chip_id_hidden"));
}

// The certificate on file whose report is not.
TEST_F(SnpVectors, hold_a_turin_certificate_that_reads_as_one) {
  const auto certificate = crypto::Certificate::from_der(read_file(kVirtee + "vcek_turin.der"));
  ASSERT_TRUE(certificate.has_value());
  const auto endorsement = parse_endorsement(*certificate);
  ASSERT_TRUE(endorsement.has_value()) << endorsement.error().message;
  EXPECT_EQ(endorsement->product, Product::turin);
  EXPECT_EQ(endorsement->hwid.size(), 8u);
  const Anchors& amd = roots.of(Vendor::amd);
  EXPECT_TRUE(
      crypto::verify_chain(*certificate, amd.intermediates, amd.roots, {}, day(2026, 5, 1)));
}

}  // namespace
}  // namespace sotto::attest::snp

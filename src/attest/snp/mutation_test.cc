// One bit of a good report or of its key's certificate changed: refused, whichever it is.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "attest/snp/verify.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::snp {
namespace {

constexpr int64_t kTime = 1777600000;  // in May 2026, when all of these are valid
const std::string kFolder = "snp/microsoft_TEE-Attestation-Verification/";

class SnpMutations : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_VECTORS(); }

  Verified<Claims> verify_both(Bytes report, Bytes certificate) {
    Collateral collateral;
    EXPECT_TRUE(
        collateral.add(std::string(kKeyCertificate), {certificate.begin(), certificate.end()}));
    return verify_snp_report(report, collateral, roots, kTime);
  }
  bool is_verified(Bytes report, Bytes certificate) {
    return verify_both(report, certificate).has_value();
  }

  Roots roots = Roots::pinned();
};

TEST_F(SnpMutations, of_any_bit_of_a_report_are_refused) {
  for (const std::string product : {"milan", "turin"}) {
    const auto report = read_vector(kFolder + product + ".bin");
    const auto certificate = read_vector(kFolder + product + ".vcek.der");
    ASSERT_TRUE(is_verified(report, certificate));
    const uint64_t tried = expect_every_bit_flip_refused(
        report, [&](Bytes changed) { return verify_both(changed, certificate); });
    EXPECT_EQ(tried, report.size() * 8);
    fmt::print("snp-report: {} bits flipped one at a time\n", tried);
  }
}

TEST_F(SnpMutations, of_any_bit_of_the_keys_certificate_are_refused) {
  const auto report = read_vector(kFolder + "milan.bin");
  const auto certificate = read_vector(kFolder + "milan.vcek.der");
  ASSERT_TRUE(is_verified(report, certificate));
  const uint64_t tried = expect_every_bit_flip_refused(
      certificate, [&](Bytes changed) { return verify_both(report, changed); });
  EXPECT_EQ(tried, certificate.size() * 8);
  fmt::print("VCEK certificate: {} bits flipped one at a time\n", tried);
}

// Cut or extended anywhere, without a crash.
TEST_F(SnpMutations, of_the_size_are_refused) {
  const auto report = read_vector(kFolder + "genoa.bin");
  const auto certificate = read_vector(kFolder + "genoa.vcek.der");
  ASSERT_TRUE(is_verified(report, certificate));
  for (size_t size = 0; size < report.size(); ++size) {
    EXPECT_FALSE(is_verified(Bytes(report).first(size), certificate));
  }
  for (size_t size = 0; size < certificate.size(); ++size) {
    EXPECT_FALSE(is_verified(report, Bytes(certificate).first(size)));
  }
  auto longer = report;
  longer.push_back(0);
  EXPECT_FALSE(is_verified(longer, certificate));
}

}  // namespace
}  // namespace sotto::attest::snp

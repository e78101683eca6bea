// One bit of a good report or of its key's certificate changed: refused, whichever it is.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "attest/recorded_for_testing.h"
#include "attest/snp/verify.h"

namespace sotto::attest::snp {
namespace {

constexpr int64_t kTime = 1777600000;  // in May 2026, when all of these are valid
const std::string kFolder = "snp/microsoft_TEE-Attestation-Verification/";

class SnpMutations : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(SOTTO_VECTORS_DIR)) {
      GTEST_SKIP() << "no recorded evidence at " << SOTTO_VECTORS_DIR;
    }
  }

  bool is_verified(const std::vector<uint8_t>& report, const std::vector<uint8_t>& certificate) {
    Collateral collateral;
    EXPECT_TRUE(collateral.add(std::string(kKeyCertificate), certificate));
    return verify_snp_report(report, collateral, roots, kTime).has_value();
  }

  Roots roots = Roots::pinned();
};

TEST_F(SnpMutations, of_any_bit_of_a_report_are_refused) {
  const auto report = read_recorded(kFolder + "turin.bin");
  const auto certificate = read_recorded(kFolder + "turin.vcek.der");
  ASSERT_TRUE(is_verified(report, certificate));
  const auto flips = flip_bits(report, 0, report.size(), 1, [&](const auto& changed) {
    return !is_verified(changed, certificate);
  });
  fmt::print("snp-report: {} bits flipped, {} refused\n", flips.tried, flips.refused);
}

TEST_F(SnpMutations, of_any_bit_of_the_keys_certificate_are_refused) {
  const auto report = read_recorded(kFolder + "milan.bin");
  const auto certificate = read_recorded(kFolder + "milan.vcek.der");
  ASSERT_TRUE(is_verified(report, certificate));
  const auto flips = flip_bits(certificate, 0, certificate.size(), 1,
                               [&](const auto& changed) { return !is_verified(report, changed); });
  fmt::print("VCEK certificate: {} bits flipped, {} refused\n", flips.tried, flips.refused);
}

// Cut or extended anywhere, without a crash.
TEST_F(SnpMutations, of_the_size_are_refused) {
  const auto report = read_recorded(kFolder + "genoa.bin");
  const auto certificate = read_recorded(kFolder + "genoa.vcek.der");
  ASSERT_TRUE(is_verified(report, certificate));
  for (size_t size = 0; size < report.size(); ++size) {
    EXPECT_FALSE(
        is_verified({report.begin(), report.begin() + static_cast<ptrdiff_t>(size)}, certificate));
  }
  for (size_t size = 0; size < certificate.size(); ++size) {
    EXPECT_FALSE(is_verified(
        report, {certificate.begin(), certificate.begin() + static_cast<ptrdiff_t>(size)}));
  }
  auto longer = report;
  longer.push_back(0);
  EXPECT_FALSE(is_verified(longer, certificate));
}

}  // namespace
}  // namespace sotto::attest::snp

// Recorded machines of Azure's against its policy.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/policy.h"

#include <gtest/gtest.h>

#include "attest/azure/hardware.h"
#include "attest/azure/vectors_for_testing.h"

namespace sotto::attest::azure {
namespace {

Claims machine(const std::string& name) {
  static const Roots roots = Roots::pinned();
  const testing::AzureVector vector = testing::azure_vector(name);
  const auto claims =
      verify_hcl_report(vector.report, {}, vector.collateral,
                        hardware_verifier(roots, testing::kJune2025), testing::kJune2025);
  CHECK(claims.has_value());
  return *claims;
}

std::string said(const Claims& claims, const Policy& policy) {
  const auto appraised = appraise(claims, policy);
  if (appraised) return "accepted";
  return fmt::format("{} {}", to_string(appraised.error().reason),
                     appraised.error().rules.back().name);
}

TEST(AzurePolicy, accepts_recorded_machines_and_refuses_by_each_of_its_rules) {
  SKIP_WITHOUT_VECTORS();
  const Claims good = machine("snp_v2");
  EXPECT_EQ(said(good, {}), "accepted");
  EXPECT_EQ(said(machine("snp_genoa"), {}), "accepted");

  Claims claims = good;
  claims.debug = true;
  EXPECT_EQ(said(claims, {}), "debug debug");
  claims = good;
  std::erase_if(claims.rules, [](const Rule& rule) { return rule.name == "tpm-quote-signature"; });
  EXPECT_EQ(said(claims, {}), "missing-collateral vtpm-quote");
  claims = good;
  claims.flags["tpm_enabled"] = false;
  EXPECT_EQ(said(claims, {}), "policy vtpm");
  claims.flags.erase("tpm_enabled");
  EXPECT_EQ(said(claims, {}), "policy vtpm");
  claims = good;
  claims.flags["secure_boot"] = false;
  EXPECT_EQ(said(claims, {}), "policy secure-boot");
  EXPECT_EQ(said(claims, {.need_secure_boot = false}), "accepted");
  EXPECT_EQ(said(good, {.allow_console = false}), "policy console");
  claims = good;
  claims.measurements.erase("pcr7");
  EXPECT_EQ(said(claims, {}), "policy quoted-registers");
  EXPECT_EQ(said(good, {.tpm = {}}), "policy event-log");
  claims = good;
  claims.notes["event_log_unexplained"] = "10, 11";
  EXPECT_EQ(said(claims, {.tpm = {}}), "accepted");
  claims.notes["event_log_unexplained"] = "9, 10";
  EXPECT_EQ(said(claims, {.tpm = {}}), "policy event-log-complete");
  claims = good;
  claims.platform = "azure-tdx";
  EXPECT_EQ(said(claims, {}), "accepted");
  claims.debug = true;
  EXPECT_EQ(said(claims, {}), "debug debug");
}

}  // namespace
}  // namespace sotto::attest::azure

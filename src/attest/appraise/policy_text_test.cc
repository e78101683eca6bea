// A policy that was written from evidence accepts that evidence, and nothing that differs.
// SPDX-License-Identifier: Apache-2.0
#include "attest/appraise/policy_text.h"

#include <gtest/gtest.h>

#include "attest/appraise/appraise.h"
#include "attest/tdx/simulated_platform.h"
#include "attest/tdx/verify.h"

namespace sotto::attest {
namespace {

Claims good_claims() {
  tdx::SimulatedPlatform platform;
  const tdx::SimulatedPlatform::Made made = platform.make();
  return tdx::verify_tdx_quote(made.quote, made.collateral, made.roots,
                               tdx::SimulatedPlatform::kTime)
      .value();
}

Policy policy_of(const std::vector<Claims>& all) {
  const std::string text = policy_text("mine", all);
  Result<Policy> policy = parse_policy(text);
  EXPECT_TRUE(policy) << (policy ? "" : policy.error().message) << "\n" << text;
  return policy.value_or(Policy());
}

TEST(PolicyText, accepts_what_it_was_written_from_and_nothing_else) {
  const Claims good = good_claims();
  const Policy policy = policy_of({good});
  EXPECT_EQ(policy.name, "mine");
  EXPECT_TRUE(appraise(good, policy).verified);
  EXPECT_GE(good.measurements.size(), 6u);
  for (const auto& [name, bytes] : good.measurements) {
    Claims other = good;
    other.measurements.at(name).at(3) ^= 1;
    EXPECT_FALSE(appraise(other, policy).verified) << name;
    other.measurements.erase(name);
    EXPECT_FALSE(appraise(other, policy).verified) << name;
  }
  for (const auto& [name, value] : good.flags) {
    Claims other = good;
    other.flags.at(name) = !value;
    EXPECT_FALSE(appraise(other, policy).verified) << name;
  }
  Claims other = good;
  other.tcb->status = "OutOfDate";
  EXPECT_FALSE(appraise(other, policy).verified);
  other = good;
  other.debug = true;
  EXPECT_FALSE(appraise(other, policy).verified);
  other = good;
  other.report_data.assign(64, 0x11);  // differs each time
  EXPECT_TRUE(appraise(other, policy).verified);
}

TEST(PolicyText, accepts_each_of_several_machines) {
  const Claims one = good_claims();
  Claims two = one;
  two.measurements.at("rtmr0").at(0) ^= 1;
  two.flags.at("smt_enabled") = !two.flags.at("smt_enabled");
  const Policy policy = policy_of({one, two});
  EXPECT_TRUE(appraise(one, policy).verified);
  EXPECT_TRUE(appraise(two, policy).verified);
}

TEST(PolicyText, says_in_capitals_what_protects_nothing) {
  Claims claims = good_claims();
  claims.debug = true;
  claims.flags["simulated"] = true;
  const std::string text = policy_text("a \"name\"\n[x]", {claims});
  EXPECT_NE(text.find("IN DEBUG MODE"), std::string::npos);
  EXPECT_NE(text.find("PROTECTS NOTHING"), std::string::npos);
  ASSERT_TRUE(parse_policy(text));
  EXPECT_EQ(parse_policy(text)->platforms.size(), 1u);
  EXPECT_TRUE(appraise(claims, policy_of({claims})).verified);
}

}  // namespace
}  // namespace sotto::attest

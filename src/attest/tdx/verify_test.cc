// Quotes of a platform of our own, spoilt in one way at a time: each rule refuses what it is there for.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/verify.h"

#include <gtest/gtest.h>

#include <functional>

#include "attest/tdx/cases_for_testing.h"
#include "attest/tdx/simulated_platform.h"
#include "attest/vectors_for_testing.h"

namespace sotto::attest::tdx {
namespace {

using Platform = SimulatedPlatform;
using Spoil = std::function<void(Platform&)>;
constexpr int64_t kDay = 86400;

Verified<Claims> verify(const Platform& platform, const Platform::Made& made,
                        int64_t time = Platform::kTime) {
  return platform.info.tee == TeeType::tdx
             ? verify_tdx_quote(made.quote, made.collateral, made.roots, time)
             : verify_sgx_quote(made.quote, made.collateral, made.roots, time);
}

// "reason rule" of a refusal, or the TCB status.
std::string told(const Verified<Claims>& result) {
  if (result) return outcome(result);
  const std::string rule =
      result.error().rules.empty() ? "before any rule" : result.error().rules.back().name;
  return fmt::format("{} {}", to_string(result.error().reason), rule);
}

TEST(TdxVerify, accepts_a_good_platform_of_each_kind_and_version) {
  for (const auto& [tee, version] :
       {std::pair(TeeType::tdx, 4), std::pair(TeeType::tdx, 5), std::pair(TeeType::sgx, 3),
        std::pair(TeeType::sgx, 4), std::pair(TeeType::sgx, 5)}) {
    const Platform platform(tee, static_cast<uint16_t>(version));
    Platform::Made made = platform.make();
    const Verified<Claims> claims = verify(platform, made);
    ASSERT_EQ(told(claims), "UpToDate") << version << ": " << claims.error().message;
    EXPECT_EQ(claims->tcb->grade, TcbGrade::up_to_date);
    EXPECT_EQ(claims->tcb->releases_behind, 0u);
    EXPECT_EQ(claims->notes.at("fmspc"), "00806f050000");
    EXPECT_TRUE(claims->flags.at("smt_enabled"));
    EXPECT_TRUE(claims->root_replaced);
    EXPECT_FALSE(claims->debug);
    EXPECT_EQ(claims->valid_until, platform.info.next_update);
    EXPECT_EQ(claims->report_data, std::vector<uint8_t>(64, 0xd7));
    made.quote.resize(8000);  // zeros, as configfs has them
    EXPECT_EQ(told(verify(platform, made)), "UpToDate");
  }
}

TEST(TdxVerify, names_what_it_measured) {
  const Platform platform(TeeType::tdx, 5);
  const Verified<Claims> claims = verify(platform, platform.make());
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->platform, "intel-tdx");
  EXPECT_EQ(claims->measurements.at("mrtd"), std::vector<uint8_t>(48, 0x4d));
  EXPECT_EQ(claims->measurements.at("rtmr2"), std::vector<uint8_t>(48, 0x52));
  EXPECT_EQ(claims->measurements.size(), 11u);
  EXPECT_TRUE(claims->flags.at("sept_ve_disable"));
  EXPECT_FALSE(claims->flags.at("migratable"));
}

TEST(TdxVerify, refuses_by_each_rule_what_it_is_there_for) {
  for (const auto& [tee, version] : {std::pair(TeeType::tdx, 4), std::pair(TeeType::sgx, 3)}) {
    const Platform good(tee, static_cast<uint16_t>(version));
    for (const auto& [expected, spoil] : refusals_for_testing()) {
      Platform platform = good;
      spoil(platform);
      const Verified<Claims> result = verify(platform, platform.make());
      EXPECT_EQ(told(result), expected) << (result ? "" : result.error().message);
    }
  }
}

TEST(TdxVerify, refuses_tdx_modules_that_are_unknown_altered_or_revoked) {
  for (const auto& [expected, spoil] : td_refusals_for_testing()) {
    Platform platform;
    spoil(platform);
    EXPECT_EQ(told(verify(platform, platform.make())), expected);
  }
}

TEST(TdxVerify, refuses_what_is_missing_broken_or_of_another_kind) {
  const Platform platform;
  const Platform::Made good = platform.make();
  const auto without = [&](std::string_view name) {
    Platform::Made made = good;
    Collateral rest;
    for (const auto& [key, bytes] : good.collateral.blobs()) {
      if (key != name) {
        EXPECT_TRUE(rest.add(key, bytes));
      }
    }
    made.collateral = rest;
    return told(verify(platform, made));
  };
  EXPECT_EQ(without(kPckCrl), "missing-collateral pck-revocation");
  EXPECT_EQ(without(kRootCaCrl), "missing-collateral pck-revocation");
  EXPECT_EQ(without(kTcbInfo), "missing-collateral tcb-info-signature");
  EXPECT_EQ(without(kTcbSigningChain), "missing-collateral tcb-info-signature");
  EXPECT_EQ(without(kQeIdentity), "missing-collateral qe-identity-signature");
  EXPECT_EQ(without(kPckCrlIssuerChain), "UpToDate");  // the quote brings them too

  const auto with = [&](std::string_view name, std::string_view text) {
    Platform::Made made = good;
    EXPECT_TRUE(made.collateral.add(std::string(name), {text.begin(), text.end()}));
    return told(verify(platform, made));
  };
  EXPECT_EQ(with(kPckCrl, "no CRL"), "malformed before any rule");
  EXPECT_EQ(with(kTcbInfo, "{}"), "malformed tcb-info-signature");
  EXPECT_EQ(with(kPckChain, "no PEM"), "malformed pck-chain-format");
  EXPECT_EQ(with(kPckCrlIssuerChain, "no PEM"), "malformed pck-crl-issuer");
  Platform::Made made = good;
  made.quote.push_back(1);
  EXPECT_EQ(told(verify(platform, made)), "malformed quote-format");
  made.quote.resize(1000);
  EXPECT_EQ(told(verify(platform, made)), "malformed quote-format");
  made = good;
  made.roots = Roots::pinned();
  EXPECT_EQ(told(verify(platform, made)), "untrusted-root pck-chain");
  EXPECT_EQ(told(verify_sgx_quote(good.quote, good.collateral, good.roots, Platform::kTime)),
            "wrong-kind quote-kind");
  const Platform sgx(TeeType::sgx, 3);
  const Platform::Made enclave = sgx.make();
  EXPECT_EQ(
      told(verify_tdx_quote(enclave.quote, enclave.collateral, enclave.roots, Platform::kTime)),
      "wrong-kind quote-kind");
}

TEST(TdxVerify, converges_the_statuses_of_platform_module_and_quoting_enclave) {
  struct Row {
    const char* expected;
    Spoil spoil;
    const char* advisories;
  };
  const auto platform_is = [](TcbStatus status) {
    return [status](Platform& p) { p.info.levels[0].verdict.status = status; };
  };
  const auto and_old_qe = [](Spoil spoil) {
    return [spoil](Platform& p) { spoil(p), p.qe.isv_svn = 5; };
  };
  const Row rows[] = {
      {"SWHardeningNeeded", platform_is(TcbStatus::sw_hardening_needed), ""},
      {"ConfigurationNeeded", platform_is(TcbStatus::configuration_needed), ""},
      {"OutOfDate", [](Platform& p) { p.pck.sgx_components[4] = 4; }, "INTEL-SA-00001"},
      {"OutOfDate", [](Platform& p) { p.td.tee_tcb_svn[0] = 3; }, "INTEL-SA-00002"},
      {"OutOfDate", [](Platform& p) { p.qe.isv_svn = 5; }, "INTEL-SA-00003"},
      {"OutOfDate", and_old_qe(platform_is(TcbStatus::sw_hardening_needed)), "INTEL-SA-00003"},
      {"OutOfDateConfigurationNeeded", and_old_qe(platform_is(TcbStatus::configuration_needed)),
       "INTEL-SA-00003"},
      {"OutOfDateConfigurationNeeded",
       and_old_qe(platform_is(TcbStatus::configuration_and_sw_hardening_needed)), "INTEL-SA-00003"},
      // A module of version 0 is judged by the platform's own components.
      {"UpToDate", [](Platform& p) { p.td.tee_tcb_svn = {4, 0, 6}; }, ""},
      {"OutOfDate", [](Platform& p) { p.td.tee_tcb_svn = {3, 0, 6}; }, "INTEL-SA-00001"},
  };
  for (const auto& [expected, spoil, advisories] : rows) {
    Platform platform;
    spoil(platform);
    const Verified<Claims> claims = verify(platform, platform.make());
    EXPECT_EQ(told(claims), expected);
    std::string all;
    if (claims)
      for (const std::string& id : claims->tcb->advisories) all += id;
    EXPECT_EQ(all, advisories);
  }
}

TEST(TdxVerify, advises_a_relaunch_when_only_the_module_at_the_start_was_old) {
  Platform platform(TeeType::tdx, 5);
  platform.td.tee_tcb_svn[0] = 3;
  platform.td.tee_tcb_svn2 = Field<16>{4, 1, 6};
  EXPECT_EQ(told(verify(platform, platform.make())), "TDRelaunchAdvised");
  platform.info.levels[0].verdict.status = TcbStatus::configuration_needed;
  EXPECT_EQ(told(verify(platform, platform.make())), "TDRelaunchAdvisedConfigurationNeeded");
  platform.qe.isv_svn = 5;
  EXPECT_EQ(told(verify(platform, platform.make())), "OutOfDateConfigurationNeeded");
}

TEST(TdxVerify, says_when_memory_can_be_read_and_how_far_behind_a_platform_is) {
  Platform platform;
  platform.td.td_attributes[0] = 1;
  platform.pck.sgx_components[4] = 4;
  const Verified<Claims> claims = verify(platform, platform.make());
  ASSERT_TRUE(claims);
  EXPECT_TRUE(claims->debug);
  EXPECT_EQ(claims->tcb->grade, TcbGrade::out_of_date);
  EXPECT_EQ(claims->tcb->releases_behind, 1u);
  Platform enclave(TeeType::sgx, 3);
  enclave.enclave.attributes[0] = kEnclaveDebug;
  EXPECT_TRUE(verify(enclave, enclave.make())->debug);
}

TEST(TdxVerify, has_no_clock_but_the_given_time) {
  const Platform platform;
  const Platform::Made made = platform.make();
  EXPECT_EQ(told(verify(platform, made, Platform::kTime + 24 * kDay)), "UpToDate");
  EXPECT_EQ(told(verify(platform, made, Platform::kTime + 26 * kDay)), "expired pck-chain");
  EXPECT_EQ(told(verify(platform, made, Platform::kTime - 6 * kDay)), "not-yet-valid pck-chain");
}

}  // namespace
}  // namespace sotto::attest::tdx

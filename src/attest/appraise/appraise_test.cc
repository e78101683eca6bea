// Policies and appraisals: what each rule refuses, and that nothing is verified by omission.
// SPDX-License-Identifier: Apache-2.0
#include "attest/appraise/appraise.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "attest/appraise/appraisal_json.h"
#include "attest/appraise/required_rules.h"
#include "attest/tdx/simulated_platform.h"
#include "attest/tdx/verify.h"
#include "base/text_encoding.h"

namespace sotto::attest {
namespace {

using Platform = tdx::SimulatedPlatform;

Verified<Claims> verified(const Platform& platform) {
  const Platform::Made made = platform.make();
  return platform.info.tee == tdx::TeeType::tdx
             ? tdx::verify_tdx_quote(made.quote, made.collateral, made.roots, Platform::kTime)
             : tdx::verify_sgx_quote(made.quote, made.collateral, made.roots, Platform::kTime);
}

Claims good_claims() {
  static const Claims kClaims = verified(Platform()).value();
  return kClaims;
}

Policy policy_of(const std::string& tdx_part) {
  const Result<Policy> policy = parse_policy("version = 1\n[intel-tdx]\n" + tdx_part);
  EXPECT_TRUE(policy) << (policy ? "" : policy.error().message);
  return policy ? *policy : Policy();
}

const std::string kUpToDate = "tcb_statuses = [\"UpToDate\"]\n";

// "verified", or the reason.
std::string told(const Appraisal& appraisal) {
  EXPECT_EQ(appraisal.verified, !appraisal.error.has_value());
  return appraisal.verified ? "verified" : std::string(to_string(appraisal.error->reason));
}

TEST(Appraise, verifies_good_evidence_of_both_intel_kinds_by_default) {
  EXPECT_EQ(told(appraise(good_claims(), default_policy())), "verified");
  EXPECT_EQ(told(appraise(verified(Platform(tdx::TeeType::sgx, 3)), default_policy())), "verified");
}

TEST(Appraise, refuses_by_default_debug_migration_and_old_platforms) {
  Platform debug;
  debug.td.td_attributes[0] = 1;
  EXPECT_EQ(told(appraise(verified(debug), default_policy())), "debug");
  Platform migratable;
  migratable.td.td_attributes[3] |= 0x20;
  EXPECT_EQ(told(appraise(verified(migratable), default_policy())), "policy");
  Platform old;
  old.pck.sgx_components[3] = 4;
  EXPECT_EQ(told(appraise(verified(old), default_policy())), "policy");
  Platform hardened;
  hardened.info.levels[0].verdict.status = tdx::TcbStatus::sw_hardening_needed;
  EXPECT_EQ(told(appraise(verified(hardened), default_policy())), "verified");
  Claims simulated = good_claims();
  simulated.flags["simulated"] = true;
  EXPECT_EQ(told(appraise(simulated, default_policy())), "simulated");
}

TEST(Appraise, is_impossible_without_each_rule_that_the_kind_needs) {
  const std::vector<std::string_view> required =
      required_rules(EvidenceKind::tdx_quote, "intel-tdx");
  ASSERT_GT(required.size(), 20u);
  for (std::string_view name : required) {
    Claims claims = good_claims();
    const auto is_it = [&](const Rule& rule) { return rule.name == name; };
    ASSERT_EQ(std::erase_if(claims.rules, is_it), 1u) << name;
    EXPECT_EQ(told(appraise(claims, default_policy())), "policy") << name;
    for (RuleVerdict verdict : {RuleVerdict::skipped, RuleVerdict::failed}) {
      claims = good_claims();
      std::find_if(claims.rules.begin(), claims.rules.end(), is_it)->verdict = verdict;
      EXPECT_EQ(told(appraise(claims, default_policy())), "policy") << name;
    }
  }
  Claims claims = good_claims();
  claims.rules.push_back({"another", RuleVerdict::skipped, "", ""});
  EXPECT_EQ(told(appraise(claims, default_policy())), "policy");
  claims = good_claims();
  claims.kind = EvidenceKind::event_log;
  EXPECT_EQ(told(appraise(claims, default_policy())), "policy");
}

TEST(Appraise, refuses_what_a_policy_does_not_name) {
  const std::string other(96, 'a');
  const std::pair<std::string, std::string> parts[] = {
      {"", "verified"},
      {"report_data = \"" + std::string(128, 'a') + "\"\n", "binding-mismatch"},
      {"report_data = \"" + hex_of(std::vector<uint8_t>(64, 0xd7)) + "\"\n", "verified"},
      {"measurements = { mrtd = \"" + other + "\" }\n", "measurement-mismatch"},
      {"measurements = { mrtd = [\"" + other + "\", \"" + hex_of(std::vector<uint8_t>(48, 0x4d)) +
           "\"] }\n",
       "verified"},
      {"measurements = { absent = \"00\" }\n", "measurement-mismatch"},
      {"needed_measurements = [\"mrtd\", \"rtmr3\"]\n", "verified"},
      {"needed_measurements = [\"mrtd\", \"pcr0\"]\n", "policy"},
      {"values = { xfam = \"0000000000000001\" }\n", "policy"},
      {"notes = { fmspc = [\"00806f050000\"] }\n", "verified"},
      {"notes = { fmspc = \"90c06f000000\" }\n", "policy"},
      {"flags = { sept_ve_disable = true }\n", "verified"},
      {"flags = { sept_ve_disable = false }\n", "policy"},
      {"flags = { absent = false }\n", "policy"},
      {"tcb_date_min = \"2025-01-01T00:00:00Z\"\n", "verified"},
      {"tcb_date_min = \"2026-01-01T00:00:00Z\"\n", "policy"},
      {"tcb_min = { \"evaluation data number\" = 17 }\n", "verified"},
      {"tcb_min = { \"evaluation data number\" = 18 }\n", "policy"},
      {"tcb_min = { platform = 1 }\n", "policy"},
      {"evidence_age_max_seconds = 60\n", "expired"},  // a quote does not say when it was made
      {"advisories_refused = \"INTEL-SA-00001\"\n", "verified"},
  };
  for (const auto& [part, expected] : parts) {
    EXPECT_EQ(told(appraise(good_claims(), policy_of(kUpToDate + part))), expected) << part;
  }
  Platform old;
  old.pck.sgx_components[3] = 4;
  const std::string out_of_date = "tcb_statuses = [\"OutOfDate\"]\n";
  EXPECT_EQ(told(appraise(verified(old), policy_of(out_of_date))), "verified");
  EXPECT_EQ(told(appraise(verified(old),
                          policy_of(out_of_date + "advisories_refused = \"INTEL-SA-00001\"\n"))),
            "policy");
  Platform debug;
  debug.td.td_attributes[0] = 1;
  EXPECT_EQ(told(appraise(verified(debug), policy_of(kUpToDate + "allow_debug = true\n"))),
            "verified");
  EXPECT_EQ(told(appraise(good_claims(), parse_policy("version = 1\n[amd-sev-snp]\n").value())),
            "policy");
}

TEST(Appraise, lets_evidence_without_a_tcb_pass_only_by_name) {
  Claims claims = good_claims();
  claims.tcb.reset();
  EXPECT_EQ(told(appraise(claims, default_policy())), "policy");
  EXPECT_EQ(told(appraise(claims, policy_of("tcb_statuses = [\"unknown\"]\n"))), "verified");
}

TEST(Appraise, refuses_policies_with_mistakes) {
  for (const std::string bad :
       {"", "\u00e9 = 1", "version = 1\n[amd-sev-snp]\u00e9", "version = 2\n[amd-sev-snp]",
        "version = 1", "[amd-sev-snp]", "version = 1\n[intel-tdx]",
        "version = 1\n[intel-tdx]\ntcb_statuses = []", "version = 1\n[amd-sev-snp]\nunknown = 1",
        "version = 1\n[amd-sev-snp]\nallow_debug = \"yes\"", "version = 1\namd-sev-snp = 3",
        "version = 1\n[amd-sev-snp]\nreport_data = \"xyz\"",
        "version = 1\n[amd-sev-snp]\nmeasurements = { measurement = \"\" }",
        "version = 1\n[amd-sev-snp]\ntcb_min = { microcode = -1 }",
        "version = 1\n[amd-sev-snp]\ntcb_date_min = \"yesterday\"", "version = 1\n[amd-sev-snp"}) {
    const Result<Policy> policy = parse_policy(bad);
    EXPECT_FALSE(policy) << bad;
    if (!policy) {
      EXPECT_EQ(policy.error().kind, ErrorKind::malformed);
    }
  }
}

TEST(Appraise, writes_what_it_found_as_json) {
  const boost::json::object good = appraisal_json(appraise(good_claims(), default_policy()));
  EXPECT_EQ(good.at("verdict"), "verified");
  EXPECT_EQ(good.at("platform"), "intel-tdx");
  EXPECT_EQ(good.at("tcb").at("status"), "UpToDate");
  EXPECT_EQ(good.at("root_replaced"), true);
  EXPECT_TRUE(good.at("error").is_null());
  EXPECT_EQ(good.at("claims").at("notes").at("fmspc"), "00806f050000");
  const Rule first = good_claims().rules.front();
  EXPECT_EQ(good.at("rules").as_array()[0].at("name").as_string(), first.name);

  Platform broken;
  broken.quote_signer = broken.pck_key;
  const Appraisal refused = appraise(verified(broken), default_policy());
  const boost::json::object bad = appraisal_json(refused);
  EXPECT_EQ(bad.at("verdict"), "rejected");
  EXPECT_EQ(bad.at("error").at("kind"), "bad-signature");
  EXPECT_EQ(bad.at("rules").as_array().back().at("verdict"), "failed");
  EXPECT_TRUE(bad.at("claims").is_null());

  const boost::json::object ear = ear_json(appraise(good_claims(), default_policy()), 7);
  const auto& submodule = ear.at("submods").at("intel-tdx");
  EXPECT_EQ(submodule.at("ear.status"), "affirming");
  EXPECT_EQ(submodule.at("ear.trustworthiness-vector").at("hardware"), 2);
  EXPECT_EQ(ear_json(refused, 7).at("submods").at("evidence").at("ear.status"), "contraindicated");
}

}  // namespace
}  // namespace sotto::attest

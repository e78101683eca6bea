// Each rule of an SNP report, broken once: by reports and certificates that a signer of the test's own
// makes, right in everything else.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/verify.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "attest/appraise/appraise.h"
#include "attest/snp/signer_for_testing.h"

namespace sotto::attest::snp {
namespace {

using Raw = std::vector<uint8_t>;

const SignerForTesting& milan() {
  static const SignerForTesting signer(Product::milan);
  return signer;
}

// One piece of evidence, right as made.
struct Case {
  explicit Case(const SignerForTesting& made_by = milan(), SigningKey kind = SigningKey::vcek)
      : signer(made_by), report(made_by.report(kind)), key(made_by.endorsement(kind)) {}

  Verified<Claims> run() {
    if (sign) signer.sign(report);
    Collateral collateral;
    if (with_certificate) {
      const Raw bytes = certificate ? *certificate : Raw();
      const auto issued = signer.issue(key);
      EXPECT_TRUE(
          collateral.add(std::string(kKeyCertificate),
                         certificate ? bytes : Raw(issued.der().begin(), issued.der().end())));
    }
    if (crl) {
      EXPECT_TRUE(collateral.add(std::string(kRevocationList), *crl));
    }
    return verify_snp_report(report, collateral, roots.value_or(signer.roots()), time);
  }

  template <class T>
  void put(uint64_t offset, T value) {
    std::memcpy(&report[offset], &value, sizeof(value));
  }

  const SignerForTesting& signer;
  Raw report;
  EndorsementForTesting key;
  bool sign = true;
  bool with_certificate = true;
  std::optional<Raw> certificate;  // instead of one for `key`
  std::optional<Raw> crl;
  std::optional<Roots> roots;
  int64_t time = SignerForTesting::kTime;
};

// The rule that fails, and why.
void expect_refused(Case& broken, Reason reason, std::string_view rule) {
  const auto claims = broken.run();
  ASSERT_FALSE(claims.has_value()) << rule;
  EXPECT_EQ(claims.error().reason, reason) << claims.error().message;
  const auto& rules = claims.error().rules;
  ASSERT_FALSE(rules.empty()) << claims.error().message;
  EXPECT_EQ(rules.back().name, rule) << claims.error().message;
  EXPECT_EQ(rules.back().verdict, RuleVerdict::failed);
  for (size_t i = 0; i + 1 < rules.size(); ++i) EXPECT_EQ(rules[i].verdict, RuleVerdict::passed);
}

TEST(SnpVerify, accepts_what_is_right_of_every_product_and_key) {
  for (const Product product : {Product::milan, Product::genoa, Product::turin}) {
    const SignerForTesting signer(product);
    for (const SigningKey kind : {SigningKey::vcek, SigningKey::vlek}) {
      Case good(signer, kind);
      const auto claims = good.run();
      ASSERT_TRUE(claims.has_value()) << to_string(product) << claims.error().message;
      EXPECT_EQ(claims->notes.at("product"), to_string(product));
      EXPECT_EQ(claims->notes.at("signing_key"), to_string(kind));
      EXPECT_EQ(claims->flags.at("chip_id_hidden"), kind == SigningKey::vlek);
      EXPECT_TRUE(claims->root_replaced);
      EXPECT_EQ(claims->verified_at, good.time);
      EXPECT_EQ(claims->valid_until, good.time + 365 * 24 * 3600);
      EXPECT_EQ(claims->tcb->components.at("microcode"), "219");
    }
  }
}

TEST(SnpVerify, accepts_bare_identities_pem_hidden_chips_and_reports_without_a_processor) {
  Case bare;
  bare.key.wrap_hwid = false;
  EXPECT_TRUE(bare.run());
  Case pem;
  const std::string text = crypto::pem_of({milan().issue(pem.key)});
  pem.certificate = Raw(text.begin(), text.end());
  EXPECT_TRUE(pem.run());
  Case hidden;
  std::fill_n(hidden.report.begin() + 0x1a0, 64, uint8_t{0});
  const auto claims = hidden.run();
  ASSERT_TRUE(claims.has_value());
  EXPECT_TRUE(claims->flags.at("chip_id_hidden"));
  Case old;
  old.put(0, uint32_t{2});
  std::fill_n(old.report.begin() + 0x188, 3, uint8_t{0});
  EXPECT_TRUE(old.run());
}

TEST(SnpVerify, needs_a_signed_report_in_its_format) {
  Case version;
  version.put(0, uint32_t{6});
  expect_refused(version, Reason::unsupported, "report-format");
  Case behind_signature;
  behind_signature.report.back() = 1;
  expect_refused(behind_signature, Reason::malformed, "report-format");
  for (const uint32_t key : {7u << 2, 2u}) {
    Case unsigned_report;
    unsigned_report.put(0x48, key);
    expect_refused(unsigned_report, Reason::unsigned_evidence, "report-format");
  }
}

TEST(SnpVerify, needs_one_certificate_of_the_reports_key) {
  Case none;
  none.with_certificate = false;
  expect_refused(none, Reason::missing_collateral, "key-certificate");
  Case noise;
  noise.certificate = Raw(100, 0x30);
  expect_refused(noise, Reason::malformed, "key-certificate");
  const auto in_pem = [](const std::vector<crypto::Certificate>& certificates) {
    const std::string text = crypto::pem_of(certificates);
    return Raw(text.begin(), text.end());
  };
  Case two;
  two.certificate = in_pem({milan().issue(two.key), milan().issue(two.key)});
  expect_refused(two, Reason::wrong_collateral, "key-certificate");
  Case only_others;
  only_others.certificate = in_pem({milan().intermediate(SigningKey::vcek), milan().ark()});
  expect_refused(only_others, Reason::wrong_collateral, "key-certificate");
  // The whole path in one file, which then needs no other intermediates.
  Case path;
  path.certificate =
      in_pem({milan().ark(), milan().intermediate(SigningKey::vcek), milan().issue(path.key)});
  path.roots = Roots();
  path.roots->replace(Vendor::amd, {milan().ark()});
  EXPECT_TRUE(path.run());
}

TEST(SnpVerify, needs_a_path_to_its_root) {
  Case other_root;
  other_root.roots = SignerForTesting(Product::milan).roots();
  expect_refused(other_root, Reason::bad_signature, "amd-chain");
  Case no_root;
  no_root.roots = Roots();
  expect_refused(no_root, Reason::untrusted_root, "amd-chain");
  Case vendors;
  vendors.roots = Roots::pinned();
  expect_refused(vendors, Reason::untrusted_root, "amd-chain");
  Case expired;
  expired.key.not_after = expired.time - 1;
  expect_refused(expired, Reason::expired, "amd-chain");
  Case early;
  early.key.not_before = early.time + 1;
  expect_refused(early, Reason::not_yet_valid, "amd-chain");
  Case short_path;
  short_path.roots = Roots();
  short_path.roots->replace(Vendor::amd, {milan().intermediate(SigningKey::vcek)});
  expect_refused(short_path, Reason::untrusted_root, "amd-chain");
}

TEST(SnpVerify, needs_every_extension_in_its_form) {
  for (const char* oid :
       {"1.3.6.1.4.1.3704.1.2", "1.3.6.1.4.1.3704.1.3.1", "1.3.6.1.4.1.3704.1.3.2",
        "1.3.6.1.4.1.3704.1.3.3", "1.3.6.1.4.1.3704.1.3.4", "1.3.6.1.4.1.3704.1.3.8",
        "1.3.6.1.4.1.3704.1.4"}) {
    Case left_out;
    left_out.key.extension_left_out = oid;
    expect_refused(left_out, Reason::malformed, "amd-extensions");
  }
  for (const Raw& number : {Raw{0x02, 0x02, 0x01, 0x00}, Raw{0x02, 0x01, 0x80}, Raw{0x02, 0x00},
                            Raw{0x04, 0x01, 0xdb}, Raw{0x02, 0x02, 0x00, 0x7f}, Raw{}}) {
    Case malformed;
    malformed.key.microcode_der = number;
    expect_refused(malformed, Reason::malformed, "amd-extensions");
  }
  Case short_identity;
  short_identity.key.hwid.pop_back();
  expect_refused(short_identity, Reason::malformed, "amd-extensions");
  Case unknown_product;
  unknown_product.key.product_name = "Venice";
  expect_refused(unknown_product, Reason::unsupported, "amd-extensions");
  Case other_name;
  other_name.key.common_name = "SEV-XCEK";
  expect_refused(other_name, Reason::malformed, "amd-extensions");
  Case no_provider(milan(), SigningKey::vlek);
  no_provider.key.extension_left_out = "1.3.6.1.4.1.3704.1.5";
  expect_refused(no_provider, Reason::malformed, "amd-extensions");
}

TEST(SnpVerify, keeps_intermediates_to_their_product_and_kind_of_key) {
  for (const SigningKey kind : {SigningKey::vcek, SigningKey::vlek}) {
    Case other_issuer(milan(), kind);
    other_issuer.key.issued_by_the_other = true;
    expect_refused(other_issuer, Reason::chain_invalid, "amd-issuers");
  }
  Case other_product;
  other_product.key.product_name = "Genoa";
  expect_refused(other_product, Reason::chain_invalid, "amd-issuers");
}

TEST(SnpVerify, heeds_a_revocation_list_that_is_given) {
  const int64_t later = SignerForTesting::kTime + 1000;
  Case good;
  good.crl = milan().revocation_list({0x20001}, later);
  const auto claims = good.run();
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_TRUE(claims->flags.at("revocation_checked"));
  EXPECT_EQ(claims->valid_until, later);
  Case revoked;
  revoked.crl = milan().revocation_list({0x10001}, later);
  expect_refused(revoked, Reason::revoked, "revocation");
  Case old;
  old.crl = milan().revocation_list({}, SignerForTesting::kTime - 1);
  expect_refused(old, Reason::expired, "revocation");
  Case forged;
  forged.crl = SignerForTesting(Product::milan).revocation_list({}, later);
  expect_refused(forged, Reason::bad_signature, "revocation");
  Case noise;
  noise.crl = Raw(50, 1);
  expect_refused(noise, Reason::malformed, "revocation");
}

TEST(SnpVerify, needs_a_certificate_for_the_kind_of_key_and_the_product_that_the_report_names) {
  Case vlek;
  vlek.key = milan().endorsement(SigningKey::vlek);
  expect_refused(vlek, Reason::wrong_collateral, "signing-key");
  Case vcek(milan(), SigningKey::vlek);
  vcek.key = milan().endorsement(SigningKey::vcek);
  expect_refused(vcek, Reason::wrong_collateral, "signing-key");
  Case genoa;
  genoa.report[0x189] = 0x11;
  expect_refused(genoa, Reason::wrong_collateral, "product");
  Case unknown;
  unknown.report[0x188] = 0x17;
  expect_refused(unknown, Reason::unsupported, "processor");
}

TEST(SnpVerify, needs_the_signature) {
  Case unsigned_report;
  unsigned_report.sign = false;
  expect_refused(unsigned_report, Reason::bad_signature, "report-signature");
  Case changed;
  changed.signer.sign(changed.report);
  changed.report[0x50] ^= 1;
  changed.sign = false;
  expect_refused(changed, Reason::bad_signature, "report-signature");
  Case other_curve;
  const crypto::KeyPair p256(crypto::KeyType::ec_p256);
  const auto certificate = milan().issue(other_curve.key, p256.public_key());
  other_curve.certificate = Raw(certificate.der().begin(), certificate.der().end());
  expect_refused(other_curve, Reason::wrong_collateral, "report-signature");
}

TEST(SnpVerify, needs_the_certificate_of_this_chip_and_this_tcb) {
  Case other_chip;
  other_chip.key.hwid[63] ^= 1;
  expect_refused(other_chip, Reason::binding_mismatch, "chip-id");
  for (size_t part = 0; part < 8; ++part) {
    Case other_tcb;
    other_tcb.key.tcb[part] ^= 1;
    expect_refused(other_tcb, Reason::binding_mismatch, "tcb");
  }
  // Eight bytes of Turin's identity are all there is: the rest of the report's must be zero.
  const SignerForTesting turin(Product::turin);
  Case longer(turin);
  longer.report[0x1a0 + 8] = 1;
  expect_refused(longer, Reason::binding_mismatch, "chip-id");
}

TEST(SnpVerify, refuses_what_a_processor_never_says) {
  Case no_reserved_bit;
  no_reserved_bit.put(0x08, kPolicySmt);
  expect_refused(no_reserved_bit, Reason::unsupported, "policy-bits");
  Case unknown_bit;
  unknown_bit.put(0x08, kPolicySmt | kPolicyReservedOne | uint64_t{1} << 26);
  expect_refused(unknown_bit, Reason::unsupported, "policy-bits");
  Case vmpl;
  vmpl.put(0x30, uint32_t{4});
  expect_refused(vmpl, Reason::malformed, "vmpl");
}

TEST(SnpVerify, refuses_versions_in_the_wrong_order) {
  Case committed;  // older than what is reported
  committed.report[0x1e0 + 7] -= 1;
  expect_refused(committed, Reason::tcb_not_supported, "tcb-order");
  Case current;  // older than what is committed
  current.report[0x38 + 6] -= 1;
  expect_refused(current, Reason::tcb_not_supported, "tcb-order");
  Case launch;  // newer than what runs
  launch.report[0x1f0] += 1;
  expect_refused(launch, Reason::tcb_not_supported, "tcb-order");
  Case firmware;
  firmware.report[0x1e8] -= 1;
  expect_refused(firmware, Reason::tcb_not_supported, "firmware-order");
  Case newer;  // what runs may be newer than everything else
  newer.report[0x38 + 7] += 1;
  newer.report[0x1e9] += 1;
  EXPECT_TRUE(newer.run());
}

TEST(SnpVerify, refuses_an_id_block_that_contradicts_itself) {
  Case ids;
  ids.report[0x10] = 1;
  expect_refused(ids, Reason::malformed, "id-block");
  Case svn;
  svn.put(0x04, uint32_t{1});
  expect_refused(svn, Reason::malformed, "id-block");
  Case flag_only;
  flag_only.report[0x48] |= 1;
  expect_refused(flag_only, Reason::malformed, "id-block");
  Case author_without_id;
  author_without_id.report[0x48] |= 1;
  author_without_id.report[0x110] = 1;
  expect_refused(author_without_id, Reason::malformed, "id-block");
  Case whole;
  whole.report[0x10] = 1;
  whole.report[0x48] |= 1;
  whole.report[0x110] = 1;
  whole.report[0xe0] = 1;
  const auto claims = whole.run();
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_TRUE(claims->flags.at("id_block"));
  EXPECT_TRUE(claims->flags.at("author_key"));
}

// The default policy, and a change.
Policy policy_with(const std::function<void(PlatformPolicy&)>& change) {
  Policy policy = default_policy();
  change(policy.platforms.at("amd-sev-snp"));
  return policy;
}

void expect_rejected(Case& evidence, const Policy& policy, Reason reason, std::string_view rule) {
  const Appraisal appraisal = appraise(evidence.run(), policy);
  ASSERT_FALSE(appraisal.verified) << rule;
  EXPECT_EQ(appraisal.error->reason, reason) << appraisal.error->message;
  EXPECT_TRUE(appraisal.error->message.starts_with(rule)) << appraisal.error->message;
}

TEST(SnpAppraisal, by_default_refuses_debug_migration_and_low_privilege) {
  Case plain;
  EXPECT_TRUE(appraise(plain.run(), default_policy()).verified);
  Case old;
  old.put(0, uint32_t{2});
  EXPECT_TRUE(appraise(old.run(), default_policy()).verified);
  Case debug;
  debug.put(0x08, kPolicySmt | kPolicyReservedOne | kPolicyDebug);
  expect_rejected(debug, default_policy(), Reason::debug, "debug");
  EXPECT_TRUE(appraise(debug.run(), policy_with([](auto& it) { it.allow_debug = true; })).verified);
  Case migration;
  migration.put(0x08, kPolicySmt | kPolicyReservedOne | kPolicyMigration);
  expect_rejected(migration, default_policy(), Reason::policy, "flag migratable");
  Case vmpl;
  vmpl.put(0x30, uint32_t{2});
  expect_rejected(vmpl, default_policy(), Reason::policy, "note vmpl");
}

TEST(SnpAppraisal, finds_every_claim_that_a_policy_may_insist_on) {
  using Platform = PlatformPolicy;
  const std::vector<std::pair<std::string, std::function<void(Platform&)>>> policies = {
      {"note vmpl", [](Platform& it) { it.notes["vmpl"] = {"1"}; }},
      {"note product", [](Platform& it) { it.notes["product"] = {"Turin"}; }},
      {"flag smt", [](Platform& it) { it.flags["smt"] = false; }},
      {"flag single_socket", [](Platform& it) { it.flags["single_socket"] = true; }},
      {"flag revocation_checked", [](Platform& it) { it.flags["revocation_checked"] = true; }},
      {"flag id_block", [](Platform& it) { it.flags["id_block"] = true; }},
      {"flag chip_id_hidden", [](Platform& it) { it.flags["chip_id_hidden"] = true; }},
      {"value id_key_digest", [](Platform& it) { it.values["id_key_digest"] = {Raw(48, 1)}; }},
      {"value author_key_digest",
       [](Platform& it) { it.values["author_key_digest"] = {Raw(48, 1)}; }},
      {"value host_data", [](Platform& it) { it.values["host_data"] = {Raw(32, 1)}; }},
      {"tcb-min microcode", [](Platform& it) { it.tcb_min["microcode"] = 220; }},
      {"tcb-min fmc", [](Platform& it) { it.tcb_min["fmc"] = 0; }},
  };
  for (const auto& [rule, change] : policies) {
    Case plain;
    const Appraisal appraisal = appraise(plain.run(), policy_with(change));
    ASSERT_TRUE(appraisal.error.has_value()) << rule;
    EXPECT_TRUE(appraisal.error->message.starts_with(rule + ":")) << appraisal.error->message;
    // Not for want of the claim, but for Milan's lack of an FMC.
    EXPECT_EQ(appraisal.error->message.find("does not say") != std::string::npos,
              rule == "tcb-min fmc")
        << appraisal.error->message;
  }
  Case plain;
  const Policy matching = policy_with([](Platform& it) {
    it.notes["vmpl"] = {"0", "1"};
    it.values["id_key_digest"] = {Raw(48)};
    it.tcb_min = {{"microcode", 219}, {"snp", 24}};
    it.measurements["measurement"] = {Raw(48, 0x3e)};
    it.report_data = Raw(64, 0xd0);
  });
  EXPECT_TRUE(appraise(plain.run(), matching).verified);
}

}  // namespace
}  // namespace sotto::attest::snp

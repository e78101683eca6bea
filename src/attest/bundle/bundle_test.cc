// Bundles: what is read back, what a good one is accepted for, and each way in which one lies.
// SPDX-License-Identifier: Apache-2.0
#include "attest/bundle/bundle.h"

#include <gtest/gtest.h>

#include <functional>

#include "attest/bundle/appraise_bundle.h"
#include "attest/bundle/binding.h"
#include "attest/bundle/settings_log.h"
#include "attest/bundle/statement.h"
#include "attest/nitro/signer_for_testing.h"
#include "attest/simulated/simulated_tee.h"
#include "attest/snp/signer_for_testing.h"
#include "attest/snp/verify.h"
#include "base/text_encoding.h"
#include "crypto/hash.h"

namespace sotto::attest {
namespace {

constexpr int64_t kTime = 1'750'000'000;
constexpr int64_t kDay = 86400;

std::vector<uint8_t> bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

Statement good_statement() {
  Statement statement;
  statement.program_version = "0.1.0";
  statement.program_sha256 = crypto::sha256(as_bytes("the program"));
  statement.platform = "simulated";
  statement.configuration_sha256 = crypto::sha256(as_bytes("the configuration"));
  statement.models = {
      {"demo", {crypto::sha256(as_bytes("file"))}, crypto::sha256(as_bytes("root"))}};
  statement.tls_spki_sha256 = std::vector<uint8_t>(32, 0x71);
  statement.receipt_key = std::vector<uint8_t>(32, 0x72);
  statement.started_at = kTime - 60;
  statement.valid_until = kTime + 7 * kDay;
  return statement;
}

// A node with a simulated TEE, which can be asked.
struct Node {
  Statement statement = good_statement();
  simulated::SimulatedTee tee{statement.program_sha256, kTime};

  Bundle answer(std::vector<uint8_t> nonce) const {
    Bundle bundle;
    bundle.statement = bytes_of(serialize(statement));
    bundle.nonce = std::move(nonce);
    auto quote = tee.quote(binding_of(bundle.nonce, bundle.statement));
    bundle.evidence.push_back({EvidenceKind::simulated_quote, quote.quote, {}});
    bundle.collateral = quote.collateral;
    return bundle;
  }
};

const std::vector<uint8_t> kNonce(32, 0x4e);

Policy simulated_policy() {
  Policy policy = default_policy();
  policy.platforms["simulated"].allow_simulated = true;
  policy.platforms["simulated"].tcb_statuses = {"UpToDate"};
  return policy;
}

BundleAppraisal appraise_good(const Bundle& bundle, const Policy& policy = simulated_policy(),
                              int64_t time = kTime) {
  return appraise_bundle(bundle, policy, Roots::pinned(), time, {.nonce = kNonce});
}

// "verified", or "reason rule" of the first rule that failed.
std::string told(const BundleAppraisal& appraisal) {
  if (appraisal.verified) return "verified";
  const std::string& message = appraisal.error->message;
  std::string_view text = message;
  if (text.starts_with("simulated-quote: ")) text.remove_prefix(17);
  return fmt::format("{} {}", to_string(appraisal.error->reason), text.substr(0, text.find(':')));
}

TEST(Bundle, is_accepted_from_an_honest_node) {
  const Node node;
  const BundleAppraisal appraisal = appraise_good(node.answer(kNonce));
  EXPECT_EQ(told(appraisal), "verified") << (appraisal.error ? appraisal.error->message : "");
  ASSERT_TRUE(appraisal.statement);
  EXPECT_EQ(appraisal.statement->models.at(0).name, "demo");
  EXPECT_FALSE(appraisal.program_pinned);
  EXPECT_EQ(appraisal.evidence.size(), 1u);
  const auto json = bundle_appraisal_json(appraisal);
  EXPECT_EQ(json.at("verdict").as_string(), "verified");
  EXPECT_EQ(json.at("platform").as_string(), "simulated");
}

TEST(Bundle, of_a_simulated_tee_is_refused_unless_it_is_named) {
  const Node node;
  const Bundle bundle = node.answer(kNonce);
  EXPECT_EQ(told(appraise_good(bundle, default_policy())), "policy policy-platform");
  Policy policy = simulated_policy();
  policy.platforms["simulated"].allow_simulated = false;
  EXPECT_EQ(told(appraise_good(bundle, policy)), "simulated simulated");
  // Not even by calling it real.
  Bundle dressed = bundle;
  dressed.evidence[0].kind = EvidenceKind::tdx_quote;
  const BundleAppraisal appraisal = appraise_good(dressed);
  EXPECT_EQ(appraisal.error->reason, Reason::untrusted_root);
}

TEST(Bundle, reads_back_what_it_writes) {
  const Node node;
  Bundle bundle = node.answer(kNonce);
  bundle.evidence[0].collateral = bundle.collateral;
  bundle.event_logs = {{"cel", settings_log(node.statement, event_log::Registers::rtmrs)}};
  const std::string hints = R"({"platform":"x","tee_verified":false,"tee_dmesg":["a"]})";
  for (const std::string& text : {serialize(bundle), serialize(bundle, hints)}) {
    const Result<Bundle> read = parse_bundle(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->statement, bundle.statement);
    EXPECT_EQ(read->nonce, bundle.nonce);
    ASSERT_EQ(read->evidence.size(), 1u);
    EXPECT_EQ(read->evidence[0].data, bundle.evidence[0].data);
    EXPECT_EQ(read->evidence[0].collateral.blobs(), bundle.collateral.blobs());
    EXPECT_EQ(read->collateral.blobs(), bundle.collateral.blobs());
    EXPECT_EQ(read->event_logs.at(0).data, bundle.event_logs[0].data);
  }
}

TEST(Bundle, is_refused_for_each_lie) {
  const Node node;
  const Bundle good = node.answer(kNonce);
  Node other;
  other.statement.models[0].model_root = crypto::sha256(as_bytes("another model"));
  const struct {
    const char* what;
    const char* expected;
    std::function<void(Bundle&)> spoil;
  } cases[] = {
      {"statement edited", "binding-mismatch binding",
       [](Bundle& b) {
         std::string text(b.statement.begin(), b.statement.end());
         text.replace(text.find("demo"), 4, "Demo");
         b.statement = bytes_of(text);
       }},
      {"another key in the statement", "binding-mismatch binding",
       [&](Bundle& b) {
         Statement stated = node.statement;
         stated.tls_spki_sha256[0] ^= 1;
         b.statement = bytes_of(serialize(stated));
       }},
      {"a space more in the statement", "binding-mismatch binding",
       [](Bundle& b) { b.statement.push_back(' '); }},
      {"an old nonce", "binding-mismatch bundle-nonce",
       [&](Bundle& b) { b = node.answer(std::vector<uint8_t>(32, 0x11)); }},
      {"an old answer with the new nonce", "binding-mismatch binding",
       [&](Bundle& b) {
         b = node.answer(std::vector<uint8_t>(32, 0x11));
         b.nonce = kNonce;
       }},
      {"no nonce", "binding-mismatch bundle-nonce", [&](Bundle& b) { b = node.answer({}); }},
      {"evidence of another node", "binding-mismatch binding",
       [&](Bundle& b) {
         const Bundle theirs = other.answer(kNonce);
         b.evidence = theirs.evidence;
         b.collateral = theirs.collateral;
       }},
      {"no evidence", "wrong-kind processor-evidence", [](Bundle& b) { b.evidence.clear(); }},
      {"evidence that proves no machine", "wrong-kind processor-evidence",
       [](Bundle& b) { b.evidence[0].kind = EvidenceKind::google_endorsement; }},
      {"the same evidence twice", "wrong-kind processor-evidence",
       [](Bundle& b) { b.evidence.push_back(b.evidence[0]); }},
      {"no collateral", "missing-collateral root_ca_crl.der is needed and was not given",
       [](Bundle& b) { b.collateral = {}; }},
      {"no statement", "malformed statement", [](Bundle& b) { b.statement.clear(); }},
  };
  for (const auto& [what, expected, spoil] : cases) {
    SCOPED_TRACE(what);
    Bundle bundle = good;
    spoil(bundle);
    const BundleAppraisal appraisal = appraise_good(bundle);
    EXPECT_FALSE(appraisal.verified);
    if (std::string_view(what) == "no collateral") {
      EXPECT_EQ(appraisal.error->reason, Reason::missing_collateral);
    } else {
      EXPECT_EQ(told(appraisal), expected);
    }
  }
}

TEST(Bundle, is_refused_at_the_wrong_time) {
  const Node node;
  const Bundle bundle = node.answer(kNonce);
  EXPECT_EQ(told(appraise_good(bundle, simulated_policy(), kTime - 3600)),
            "not-yet-valid statement-time");
  EXPECT_EQ(told(appraise_good(bundle, simulated_policy(), kTime + 8 * kDay)),
            "expired statement-time");
  EXPECT_FALSE(appraise_good(bundle, simulated_policy(), kTime + 366 * kDay).verified);
  EXPECT_FALSE(appraise_good(bundle, simulated_policy(), kTime - 366 * kDay).verified);
}

// A relay that ends TLS cannot put its own key in, so flipping any bit that counts must show.
TEST(Bundle, is_refused_with_any_bit_of_statement_or_quote_flipped) {
  const Node node;
  const Bundle good = node.answer(kNonce);
  const Roots roots = Roots::pinned();
  const Policy policy = simulated_policy();
  uint32_t accepted = 0;
  for (size_t bit = 0; bit < good.statement.size() * 8; bit += 97) {
    Bundle bundle = good;
    bundle.statement[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    accepted += appraise_bundle(bundle, policy, roots, kTime, {.nonce = kNonce}).verified;
  }
  for (size_t bit = 0; bit < 632 * 8; bit += 131) {  // header and body
    Bundle bundle = good;
    bundle.evidence[0].data[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    accepted += appraise_bundle(bundle, policy, roots, kTime, {.nonce = kNonce}).verified;
  }
  EXPECT_EQ(accepted, 0u);
}

TEST(Bundle, is_held_to_the_policys_statement) {
  const Node node;
  const Bundle bundle = node.answer(kNonce);
  const auto policy_with = [](std::string_view statement) {
    Result<Policy> policy = parse_policy(fmt::format(
        "version = 1\n[statement]\n{}\n[simulated]\nallow_simulated = true\n", statement));
    EXPECT_TRUE(policy) << (policy ? "" : policy.error().message);
    return policy.value_or(Policy());
  };
  const Statement& stated = node.statement;
  const std::string other = hex_of(crypto::sha256(as_bytes("other")));
  const auto told_by = [&](const std::string& line) {
    return told(appraise_good(bundle, policy_with(line)));
  };
  const std::string root = hex_of(stated.models[0].model_root);
  const std::string file = hex_of(stated.models[0].file_sha256.at(0));
  EXPECT_EQ(told_by(fmt::format("models = \"{}\"", root)), "verified");
  EXPECT_EQ(told_by(fmt::format("models = [\"{}\", \"{}\"]", other, file)), "verified");
  EXPECT_EQ(told_by(fmt::format("models = \"{}\"", other)), "policy statement-models");
  const std::string configuration = hex_of(stated.configuration_sha256);
  EXPECT_EQ(told_by(fmt::format("configurations = \"{}\"", configuration)), "verified");
  EXPECT_EQ(told_by(fmt::format("configurations = \"{}\"", other)),
            "policy statement-configuration");
  const std::string program = hex_of(stated.program_sha256);
  EXPECT_EQ(told_by(fmt::format("programs = \"{}\"", program)), "verified");
  EXPECT_EQ(told_by(fmt::format("programs = \"{}\"", other)), "policy statement-program");
  EXPECT_EQ(told_by("measured = true"), "measurement-mismatch settings-measured");
}

TEST(Bundle, shows_that_the_settings_were_measured) {
  Node node;
  for (const std::vector<uint8_t>& event : settings_events(node.statement)) {
    node.tee.extend_rtmr3(crypto::sha384(event));
  }
  Policy policy = simulated_policy();
  policy.statement.emplace();
  policy.statement->measured = true;
  EXPECT_EQ(told(appraise_good(node.answer(kNonce), policy)), "verified");
  // The node now serves another model than it measured.
  node.statement.models[0].model_root = crypto::sha256(as_bytes("other"));
  EXPECT_EQ(told(appraise_good(node.answer(kNonce), policy)),
            "measurement-mismatch settings-measured");
}

TEST(Bundle, binds_an_snp_report) {
  const snp::SignerForTesting amd(snp::Product::milan);
  Bundle bundle;
  bundle.statement = bytes_of(serialize(good_statement()));
  bundle.nonce = kNonce;
  const auto binding = binding_of(bundle.nonce, bundle.statement);
  std::vector<uint8_t> report = amd.report();
  constexpr size_t kReportData = 0x50;
  std::copy(binding.begin(), binding.end(), report.begin() + kReportData);
  amd.sign(report);
  bundle.evidence.push_back({EvidenceKind::snp_report, report, {}});
  const crypto::Certificate key = amd.issue(amd.endorsement());
  const auto der = key.der();
  ASSERT_TRUE(bundle.collateral.add(std::string(snp::kKeyCertificate), {der.begin(), der.end()}));
  const auto appraise = [&] {
    return appraise_bundle(bundle, default_policy(), amd.roots(), kTime, {.nonce = kNonce});
  };
  const BundleAppraisal good = appraise();
  EXPECT_TRUE(good.verified) << (good.error ? good.error->message : "");
  Statement edited = good_statement();
  edited.receipt_key[0] ^= 1;
  bundle.statement = bytes_of(serialize(edited));
  EXPECT_EQ(appraise().error->reason, Reason::binding_mismatch);
}

TEST(Bundle, binds_a_nitro_document_with_nonce_and_key) {
  const nitro::SignerForTesting aws;
  const std::vector<uint8_t> spki(91, 0x30);
  Statement statement = good_statement();
  const auto digest = crypto::sha256(spki);
  statement.tls_spki_sha256 = {digest.begin(), digest.end()};
  const auto bundle_of = [&](const std::function<void(nitro::DocumentForTesting&)>& spoil) {
    Bundle bundle;
    bundle.statement = bytes_of(serialize(statement));
    bundle.nonce = kNonce;
    const auto binding = binding_of(bundle.nonce, bundle.statement);
    nitro::DocumentForTesting document = aws.document();
    document.user_data = std::vector<uint8_t>(binding.begin(), binding.end());
    document.nonce = kNonce;
    document.public_key = spki;
    spoil(document);
    bundle.evidence.push_back({EvidenceKind::nitro_document, aws.sign(document), {}});
    return appraise_bundle(bundle, default_policy(), aws.roots(), kTime, {.nonce = kNonce});
  };
  const BundleAppraisal good = bundle_of([](auto&) {});
  EXPECT_TRUE(good.verified) << (good.error ? good.error->message : "");
  const std::function<void(nitro::DocumentForTesting&)> spoils[] = {
      [](auto& d) { d.user_data->at(3) ^= 1; }, [](auto& d) { d.nonce->at(3) ^= 1; },
      [](auto& d) { d.nonce.reset(); }, [](auto& d) { d.public_key->at(3) ^= 1; },
      [](auto& d) { d.public_key.reset(); }};
  for (const auto& spoil : spoils) {
    const BundleAppraisal bad = bundle_of(spoil);
    ASSERT_FALSE(bad.verified);
    EXPECT_EQ(bad.error->reason, Reason::binding_mismatch) << bad.error->message;
  }
}

}  // namespace
}  // namespace sotto::attest

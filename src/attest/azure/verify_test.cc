// Azure's confidential VMs: real reports accepted, and refused with any bound bit changed.
// SPDX-License-Identifier: Apache-2.0
#include "attest/azure/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/azure/hardware.h"
#include "attest/azure/vectors_for_testing.h"
#include "attest/tdx/verify.h"
#include "attest/tpm/verify.h"
#include "crypto/issue.h"

namespace sotto::attest::azure {
namespace {

using testing::azure_vector;
using testing::AzureVector;
using testing::from_hex;
using testing::kJune2025;
using testing::read_bytes;
using testing::read_text;
using testing::vectors;

const std::vector<uint8_t> kChallenge = {'c', 'h', 'a', 'l', 'l', 'e', 'n', 'g', 'e'};
const char* const kNonceV2 =
    "982f5c6e45df0ed3f10b6f60b02f0c8390e281300f3805e2279c16168cd6ae9aa398f647caa2338748cd0fd9f5f819"
    "ef";
const char* const kNonceGenoa =
    "0218488bae25d2509232bf676f1a66a30d7372add909109b36016ef136f2938ca05475f8b46094de6b64270ea35d95"
    "0f";

std::string reason_of(const Verified<Claims>& claims) {
  return claims ? "accepted" : std::string(to_string(claims.error().reason));
}

Verified<Claims> verify(const AzureVector& vector, std::optional<std::vector<uint8_t>> nonce,
                        int64_t time = kJune2025) {
  static const Roots roots = Roots::pinned();
  return verify_hcl_report(vector.report, {std::move(nonce)}, vector.collateral,
                           hardware_verifier(roots, time), time);
}

constexpr int64_t kMarch2025 = 1'741'219'200;  // when the collateral below was current

// Intel's collateral for the processors of these machines, as another project recorded it.
void add_intel_collateral(AzureVector& vector) {
  const auto folder = vectors() / "tdx/matter-labs_teepot/quote_v4_tdx/collateral";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    testing::add(vector.collateral, file.path().filename().string(), read_bytes(file.path()));
  }
}

TEST(AzureSnpVectors, are_accepted_from_amds_root_down_to_the_nonce) {
  SKIP_WITHOUT_VECTORS();
  const std::pair<const char*, std::vector<uint8_t>> cases[] = {
      {"snp_v0", kChallenge},
      {"snp_v1", kChallenge},
      {"snp_v2", from_hex(kNonceV2)},
      {"snp_genoa", from_hex(kNonceGenoa)}};
  for (const auto& [name, nonce] : cases) {
    const AzureVector vector = azure_vector(name);
    const auto claims = verify(vector, nonce);
    ASSERT_EQ(reason_of(claims), "accepted") << name << ": " << claims.error().message;
    EXPECT_EQ(claims->platform, "azure-sev-snp");
    EXPECT_EQ(claims->kind, EvidenceKind::azure_hcl_report);
    EXPECT_EQ(claims->report_data, nonce);
    EXPECT_TRUE(claims->measurements.contains("measurement"));
    EXPECT_TRUE(claims->measurements.contains("pcr23"));
    EXPECT_TRUE(claims->flags.at("secure_boot"));
    EXPECT_TRUE(claims->flags.at("tpm_enabled"));
    EXPECT_FALSE(claims->debug);
    for (const Rule& rule : claims->rules)
      EXPECT_EQ(rule.verdict, RuleVerdict::passed) << rule.name;
    EXPECT_EQ(reason_of(verify(vector, std::vector<uint8_t>{1})), "binding-mismatch");
  }
  auto user_data = from_hex(kNonceV2);
  user_data.resize(64);
  EXPECT_EQ(verify(azure_vector("snp_v2"), std::nullopt)->values.at("user_data"), user_data);
}

TEST(AzureSnpVectors, without_a_quote_say_that_it_is_missing) {
  SKIP_WITHOUT_VECTORS();
  AzureVector vector;
  vector.report =
      read_bytes(vectors() / "azure/confidential-containers_trustee/hcl-report-snp.bin");
  EXPECT_EQ(reason_of(verify(vector, std::nullopt)), "missing-collateral");
  const auto chain = crypto::parse_pem_chain(
      read_text(vectors() / "azure/confidential-containers_trustee/vcek_chain.pem"));
  ASSERT_TRUE(chain.has_value()) << chain.error().message;
  const Bytes der = chain->at(0).der();
  testing::add(vector.collateral, "vek.der", {der.begin(), der.end()});
  const auto claims = verify(vector, std::nullopt);
  ASSERT_EQ(reason_of(claims), "accepted") << claims.error().message;
  EXPECT_EQ(claims->rules.back().name, "tpm-quote");
  EXPECT_EQ(claims->rules.back().verdict, RuleVerdict::skipped);

  // The same from IMDS's own answer.
  boost::json::object answer;
  answer["vcekCert"] = crypto::pem_of({chain->at(0)});
  answer["certificateChain"] = crypto::pem_of({chain->at(1), chain->at(2)});
  const std::string text = boost::json::serialize(answer);
  vector.collateral = {};
  testing::add(vector.collateral, kThimBlob, {text.begin(), text.end()});
  EXPECT_EQ(reason_of(verify(vector, std::nullopt)), "accepted");
  testing::add(vector.collateral, kThimBlob, {'{', '}'});
  EXPECT_EQ(reason_of(verify(vector, std::nullopt)), "malformed");
}

TEST(AzureTdxVectors, are_accepted_from_intels_root_down_to_the_nonce) {
  SKIP_WITHOUT_VECTORS();
  for (const char* name : {"tdx_v0", "tdx_v1"}) {
    AzureVector vector = azure_vector(name);
    EXPECT_EQ(reason_of(verify(vector, kChallenge, kMarch2025)), "missing-collateral");
    add_intel_collateral(vector);
    const auto claims = verify(vector, kChallenge, kMarch2025);
    ASSERT_EQ(reason_of(claims), "accepted") << claims.error().message;
    EXPECT_EQ(claims->platform, "azure-tdx");
    EXPECT_EQ(claims->report_data, kChallenge);
    EXPECT_TRUE(claims->measurements.contains("mrtd"));
    EXPECT_TRUE(claims->measurements.contains("pcr23"));
    EXPECT_TRUE(claims->tcb.has_value());
    EXPECT_FALSE(claims->debug);
    EXPECT_EQ(reason_of(verify(vector, std::vector<uint8_t>{1}, kMarch2025)), "binding-mismatch");
  }
}

// A report and its TD quote alone; and TD quotes of machines below every TCB level that Intel lists.
TEST(AzureTdxVectors, of_other_sources_get_their_verdicts) {
  SKIP_WITHOUT_VECTORS();
  const auto intel = vectors() / "azure/intel_trustauthority-client-for-go";
  AzureVector vector;
  vector.report = read_bytes(intel / "hcl_tdx_userdata.bin");
  add_intel_collateral(vector);
  testing::add(vector.collateral, kTdQuoteBlob, read_bytes(intel / "td_quote.bin"));
  const auto claims = verify(vector, std::nullopt, kMarch2025);
  ASSERT_EQ(reason_of(claims), "accepted") << claims.error().message;
  EXPECT_EQ(claims->rules.back().name, "tpm-quote");
  EXPECT_EQ(claims->rules.back().verdict, RuleVerdict::skipped);
  EXPECT_EQ(claims->values.at("user_data").size(), 64u);

  constexpr int64_t kFebruary2026 = 1'771'414'156;
  const auto collateral =
      read_collateral("tdx/flashbots_attested-tls/azure_failed_dcap_quote_10.collateral");
  for (const char* file : {"td_quote_v4.dat", "td_quote_v5.dat"}) {
    const auto quote = read_bytes(vectors() / "azure/Azure_cvm-attestation-tools" / file);
    const auto refused = tdx::verify_tdx_quote(quote, collateral, Roots::pinned(), kFebruary2026);
    EXPECT_EQ(reason_of(refused), "tcb-not-supported") << file;
  }
}

// A TD quote of another machine, or none.
TEST(AzureTdxVectors, without_their_own_td_quote_are_refused) {
  SKIP_WITHOUT_VECTORS();
  AzureVector vector = azure_vector("tdx_v0");
  add_intel_collateral(vector);
  const AzureVector other{
      read_bytes(vectors() / "azure/edgelesssys_constellation/hclreport_tdx.bin"),
      vector.collateral};
  const auto refused = verify(other, std::nullopt, kMarch2025);
  EXPECT_EQ(reason_of(refused), "binding-mismatch");
  EXPECT_EQ(refused.error().rules.back().name, "hcl-td-quote");
  const AzureVector without{vector.report, {}};
  EXPECT_EQ(reason_of(verify(without, std::nullopt, kMarch2025)), "missing-collateral");
}

// The whole TDREPORT is in the report; what the TD quote repeats of it is bound bit by bit.
TEST(AzureMutations, of_the_tdreport_and_its_quote_are_refused) {
  SKIP_WITHOUT_VECTORS();
  AzureVector vector = azure_vector("tdx_v0");
  add_intel_collateral(vector);
  ASSERT_EQ(reason_of(verify(vector, kChallenge, kMarch2025)), "accepted");
  const auto report = parse_hcl_report(vector.report);
  const auto td_report = parse_td_report(report->hardware_report);
  ASSERT_TRUE(td_report.has_value());
  std::vector<Bytes> bound = {
      td_report->report_data, td_report->mrseam,        td_report->mrtd, td_report->mrconfigid,
      td_report->mrowner,     td_report->mrownerconfig, td_report->xfam, td_report->attributes,
      td_report->tee_tcb_svn, td_report->mrsignerseam};
  bound.insert(bound.end(), td_report->rtmrs.begin(), td_report->rtmrs.end());
  size_t accepted = 0, bits = 0;
  for (const Bytes field : bound) {
    for (size_t bit = 0; bit < field.size() * 8; bit += 5) {
      AzureVector changed = vector;
      const auto at = static_cast<size_t>(field.data() - vector.report.data()) + bit / 8;
      changed.report[at] ^= static_cast<uint8_t>(1 << (bit % 8));
      accepted += verify(changed, kChallenge, kMarch2025).has_value() ? 1 : 0;
      ++bits;
    }
  }
  EXPECT_EQ(accepted, 0u);
  EXPECT_GT(bits, 800u);
}

// Reports of the older layout and of other machines; their certificates are not on file.
TEST(AzureVectors, are_parsed_and_bind_their_runtime_data) {
  SKIP_WITHOUT_VECTORS();
  struct Case {
    const char* file;
    HardwareReport kind;
    Told secure_boot, tpm_enabled;
    bool user_data_set;
  };
  constexpr auto kSnp = HardwareReport::snp;
  constexpr auto kTdx = HardwareReport::tdx;
  const Case cases[] = {
      {"kinvolk_azure-cvm-tooling/hcl-report-snp.bin", kSnp, Told::yes, Told::yes, false},
      {"kinvolk_azure-cvm-tooling/hcl-report-tdx.bin", kTdx, Told::no, Told::yes, false},
      {"confidential-containers_trustee/hcl-report-snp.bin", kSnp, Told::yes, Told::yes, false},
      {"confidential-containers_trustee/hcl-report-tdx.bin", kTdx, Told::yes, Told::yes, false},
      {"Azure_cvm-attestation-tools/snp_hcl_report.bin", kTdx, Told::no, Told::no, true},
      {"edgelesssys_constellation/hclreport_tdx.bin", kTdx, Told::yes, Told::yes, false},
      {"intel_trustauthority-client-for-go/hcl_tdx_userdata.bin", kTdx, Told::yes, Told::yes, true},
  };
  for (const Case& one : cases) {
    const auto bytes = read_bytes(vectors() / "azure" / one.file);
    const auto report = parse_hcl_report(bytes);
    ASSERT_TRUE(report.has_value()) << one.file << ": " << report.error().message;
    EXPECT_EQ(report->kind, one.kind) << one.file;
    EXPECT_EQ(report->runtime.secure_boot, one.secure_boot) << one.file;
    EXPECT_EQ(report->runtime.tpm_enabled, one.tpm_enabled) << one.file;
    const auto& user_data = report->runtime.user_data;
    EXPECT_EQ(user_data && std::ranges::any_of(*user_data, [](uint8_t b) { return b != 0; }),
              one.user_data_set)
        << one.file;
    EXPECT_TRUE(check_runtime_binding(*report).has_value()) << one.file;
  }
}

// kinvolk's quote, in its own container: length, signature, length, message, registers.
TEST(AzureVectors, of_kinvolk_quote_by_the_key_of_their_runtime_data) {
  SKIP_WITHOUT_VECTORS();
  const auto folder = vectors() / "azure/kinvolk_azure-cvm-tooling";
  const auto raw = read_bytes(folder / "quote.bin");
  ByteReader in(raw);
  tpm::QuoteEvidence evidence;
  const auto take = [&]() -> std::vector<uint8_t> {
    const auto size = in.read<uint64_t>("size");
    const auto bytes = in.take(*size, "bytes");
    CHECK(bytes.has_value());
    return {bytes->begin(), bytes->end()};
  };
  evidence.signature = take();
  evidence.attest = take();
  const auto count = in.read<uint64_t>("count");
  ASSERT_EQ(*count, 24u);
  for (uint32_t pcr = 0; pcr < 24; ++pcr) {
    const auto value = in.take(32, "PCR");
    evidence.pcrs[0x000b][pcr] = {value->begin(), value->end()};
  }
  const auto pem = read_text(folder / "akpub.pem");
  const size_t begin = pem.find('\n') + 1;
  std::string text = pem.substr(begin, pem.find("-----END") - begin);
  std::erase(text, '\n');
  const auto key = crypto::PublicKey::from_spki(*bytes_of_base64(text, Base64::standard));
  ASSERT_TRUE(key.has_value()) << key.error().message;
  RuleList rules;
  Claims claims;
  const auto checked = tpm::check_quote(evidence, {*key, tpm::Scheme::rsassa, 0x000b},
                                        Bytes(kChallenge), rules, claims);
  ASSERT_TRUE(checked.has_value()) << checked.error().message;
  EXPECT_EQ(claims.measurements.size(), 24u);
}

// The bits of one blob of a vector that are accepted when flipped; `step` samples them.
size_t count_accepted(const AzureVector& vector, std::vector<uint8_t> bytes, size_t step,
                      const std::function<void(AzureVector&, const std::vector<uint8_t>&)>& put,
                      size_t from, size_t to) {
  size_t accepted = 0;
  for (size_t bit = from * 8; bit < to * 8; bit += step) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    AzureVector changed = vector;
    put(changed, bytes);
    const bool ok = verify(changed, from_hex(kNonceV2)).has_value();
    EXPECT_FALSE(ok) << "byte " << bit / 8 << " bit " << bit % 8;
    accepted += ok ? 1 : 0;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
  return accepted;
}

TEST(AzureMutations, of_report_and_quote_are_all_refused) {
  SKIP_WITHOUT_VECTORS();
  const AzureVector vector = azure_vector("snp_v2");
  ASSERT_EQ(reason_of(verify(vector, from_hex(kNonceV2))), "accepted");
  // Every bit of the report: 20,800, of which each is bound, reserved or must be zero.
  const auto put_report = [](AzureVector& changed, const std::vector<uint8_t>& bytes) {
    changed.report = bytes;
  };
  EXPECT_EQ(count_accepted(vector, vector.report, 3, put_report, 0, vector.report.size()), 0u);

  const auto folder = vectors() / "azure/confidential-containers_trustee/snp_v2";
  const tpm::QuoteEvidence quote = testing::vtpm_quote(folder);
  const auto put_quote = [&](std::vector<uint8_t> tpm::QuoteEvidence::* field) {
    return [&quote, field](AzureVector& changed, const std::vector<uint8_t>& bytes) {
      tpm::QuoteEvidence evidence = quote;
      evidence.*field = bytes;
      const std::string text = tpm::serialize(evidence);
      testing::add(changed.collateral, kTpmQuoteBlob, {text.begin(), text.end()});
    };
  };
  EXPECT_EQ(count_accepted(vector, quote.attest, 1, put_quote(&tpm::QuoteEvidence::attest), 0,
                           quote.attest.size()),
            0u);
  EXPECT_EQ(count_accepted(vector, quote.signature, 1, put_quote(&tpm::QuoteEvidence::signature), 0,
                           quote.signature.size()),
            0u);
}

}  // namespace
}  // namespace sotto::attest::azure

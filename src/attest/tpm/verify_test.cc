// Quotes of real TPMs: accepted with their own nonce, refused with any bit changed.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/names.h"
#include "attest/event_log/tcg.h"
#include "attest/tpm/vectors_for_testing.h"

namespace sotto::attest::tpm {
namespace {

using event_log::kSha256;
using testing::combined_attestation;
using testing::copy_of;
using testing::go_tpm_quotes;
using testing::read_bytes;
using testing::vectors;

constexpr int64_t kJune2026 = 1'781'990'000;  // 2026-06-20: the combined attestation's day

std::string reason_of(const Verified<Claims>& claims) {
  return claims ? "accepted" : std::string(to_string(claims.error().reason));
}

std::vector<uint8_t> spki_of(const QuoteEvidence& evidence) {
  const auto area = parse_public(evidence.key);
  CHECK(area.has_value());
  const auto key = attestation_key_of(*area);
  CHECK(key.has_value());
  return key->key.spki();
}

std::vector<QuoteEvidence> gce_quotes(const char* file) {
  return go_tpm_quotes(read_bytes(vectors() / "gcp/google_go-tpm-tools" / file));
}

TEST(TpmQuoteVectors, of_gce_are_accepted_with_their_nonce_alone) {
  SKIP_WITHOUT_VECTORS();
  const std::pair<const char*, std::vector<uint8_t>> cases[] = {
      {"gce-cos-85-nonce9009.pb", {0x90, 0x09}}, {"gce-cos-85-no-nonce.pb", {}}};
  for (const auto& [file, nonce] : cases) {
    size_t quotes = 0;
    for (QuoteEvidence evidence : gce_quotes(file)) {
      QuoteOptions options{nonce, {spki_of(evidence)}};
      const auto claims = verify_quote(evidence, options, Roots(), 0);
      ASSERT_EQ(reason_of(claims), "accepted") << file << ": " << claims.error().message;
      EXPECT_EQ(claims->measurements.size(), 24u);
      EXPECT_EQ(claims->report_data, nonce);
      // The kernel's IMA is on.
      EXPECT_EQ(claims->notes.at("event_log_unexplained"), "10");
      options.qualifying_data = {0x90, 0x08};
      EXPECT_EQ(reason_of(verify_quote(evidence, options, Roots(), 0)), "binding-mismatch");
      ++quotes;
    }
    EXPECT_EQ(quotes, 3u);
  }
}

// The older keys are certified under a root that Google no longer publishes, and we do not pin.
TEST(TpmQuoteVectors, of_unknown_roots_or_keys_are_refused) {
  SKIP_WITHOUT_VECTORS();
  QuoteEvidence evidence = gce_quotes("gce-cos-85-nonce9009.pb").at(1);
  EXPECT_EQ(reason_of(verify_quote(evidence, {}, Roots::pinned(), kJune2026)), "untrusted-root");
  evidence.certificate.clear();
  EXPECT_EQ(reason_of(verify_quote(evidence, {}, Roots::pinned(), kJune2026)), "untrusted-root");
}

TEST(TpmQuoteVectors, with_a_certificate_are_accepted_by_googles_pinned_root) {
  SKIP_WITHOUT_VECTORS();
  for (QuoteEvidence evidence : go_tpm_quotes(combined_attestation())) {
    const auto quote = parse_quote(evidence.attest);
    ASSERT_TRUE(quote.has_value());
    const QuoteOptions options{copy_of(quote->extra_data), {}};
    const auto claims = verify_quote(evidence, options, Roots::pinned(), kJune2026);
    ASSERT_EQ(reason_of(claims), "accepted") << claims.error().message;
    EXPECT_EQ(claims->report_data.size(), 32u);
    EXPECT_FALSE(claims->root_replaced);
    EXPECT_EQ(claims->notes.at("ak_root"), "EK/AK CA Root");
    EXPECT_THAT(claims->notes.at("ak_subject"), ::testing::HasSubstr("Google Compute Engine"));
    EXPECT_EQ(reason_of(verify_quote(evidence, options, Roots(), kJune2026)), "untrusted-root");
    constexpr int64_t kBefore = 1'700'000'000, kLongAfter = 4'900'000'000;
    EXPECT_EQ(reason_of(verify_quote(evidence, options, Roots::pinned(), kBefore)),
              "not-yet-valid");
    EXPECT_EQ(reason_of(verify_quote(evidence, options, Roots::pinned(), kLongAfter)), "expired");
    evidence.certificate.resize(evidence.certificate.size() + 100);  // as an NV index fills it
    EXPECT_EQ(reason_of(verify_quote(evidence, options, Roots::pinned(), kJune2026)), "accepted");
    evidence.certificate.back() = 1;
    EXPECT_EQ(reason_of(verify_quote(evidence, options, Roots::pinned(), kJune2026)), "malformed");
  }
}

TEST(TpmQuoteVectors, with_anothers_certificate_are_refused) {
  SKIP_WITHOUT_VECTORS();
  QuoteEvidence evidence = go_tpm_quotes(combined_attestation()).at(0);
  QuoteEvidence other = gce_quotes("gce-cos-85-nonce9009.pb").at(1);
  other.certificate = evidence.certificate;
  EXPECT_EQ(reason_of(verify_quote(other, {}, Roots::pinned(), kJune2026)), "binding-mismatch");
}

// Flips each bit of one field in turn, or one of `step`, and counts what is still accepted.
size_t count_accepted_flips(QuoteEvidence evidence, std::vector<uint8_t>& field,
                            const QuoteEvidence& changed, const QuoteOptions& options,
                            size_t step) {
  size_t accepted = 0;
  for (size_t bit = 0; bit < field.size() * 8; bit += step) {
    field[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    accepted += verify_quote(changed, options, Roots(), 0).has_value() ? 1 : 0;
    field[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
  EXPECT_EQ(serialize(evidence), serialize(changed));
  return accepted;
}

TEST(TpmQuoteMutations, are_all_refused) {
  SKIP_WITHOUT_VECTORS();
  std::vector<QuoteEvidence> all = go_tpm_quotes(combined_attestation());  // ECDSA
  all.push_back(gce_quotes("gce-cos-85-nonce9009.pb").at(1));              // RSASSA
  size_t bits = 0;
  for (const QuoteEvidence& evidence : all) {
    QuoteEvidence changed = evidence;
    changed.event_log.clear();
    QuoteEvidence same = changed;
    const auto quote = parse_quote(evidence.attest);
    const QuoteOptions options{copy_of(quote->extra_data), {spki_of(evidence)}};
    ASSERT_EQ(reason_of(verify_quote(changed, options, Roots(), 0)), "accepted");
    std::vector<std::vector<uint8_t>*> fields = {&changed.attest, &changed.signature, &changed.key};
    for (auto& [bank, values] : changed.pcrs) {
      for (auto& [pcr, value] : values) fields.push_back(&value);
    }
    for (size_t i = 0; i < fields.size(); ++i) {
      const size_t step = i < 3 ? 1 : 5;  // registers are many and all alike
      EXPECT_EQ(count_accepted_flips(same, *fields[i], changed, options, step), 0u);
      bits += fields[i]->size() * 8 / step;
    }
  }
  EXPECT_GT(bits, 12'000u);
}

// Every bit of the digests that the quoted bank was made from; those of the other banks and the events'
// own words are bound by nothing in this quote.
TEST(TpmQuoteMutations, of_the_event_logs_digests_are_all_refused) {
  SKIP_WITHOUT_VECTORS();
  QuoteEvidence evidence = gce_quotes("gce-cos-85-nonce9009.pb").at(1);
  const QuoteOptions options{std::nullopt, {spki_of(evidence)}};
  ASSERT_EQ(reason_of(verify_quote(evidence, options, Roots(), 0)), "accepted");
  const std::vector<uint8_t> original = evidence.event_log;
  const auto log = event_log::parse_log(original, event_log::Registers::pcrs);
  ASSERT_TRUE(log.has_value());
  size_t bits = 0, refused = 0;
  for (const event_log::Event& event : log->events) {
    if (event.type == event_log::kEvNoAction) continue;
    const auto at = static_cast<size_t>(event.find(kSha256)->bytes.data() - original.data());
    for (size_t bit = 0; bit < 256; ++bit, ++bits) {
      evidence.event_log[at + bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
      const auto claims = verify_quote(evidence, options, Roots(), 0);
      refused += reason_of(claims) == "measurement-mismatch" ? 1 : 0;
      evidence.event_log[at + bit / 8] = original[at + bit / 8];
    }
  }
  EXPECT_GT(bits, 5000u);
  EXPECT_EQ(refused, bits);
}

// A quote without a value, with one too many, and with swapped ones.
TEST(TpmQuote, binds_the_registers_that_it_selects) {
  SKIP_WITHOUT_VECTORS();
  QuoteEvidence evidence = gce_quotes("gce-cos-85-nonce9009.pb").at(1);
  evidence.event_log.clear();
  const QuoteOptions options{std::nullopt, {spki_of(evidence)}};
  auto& bank = evidence.pcrs.at(kSha256);
  const std::vector<uint8_t> pcr4 = bank.at(4);
  bank.erase(4);
  EXPECT_EQ(reason_of(verify_quote(evidence, options, Roots(), 0)), "missing-collateral");
  bank[4] = std::vector<uint8_t>(20);
  EXPECT_EQ(reason_of(verify_quote(evidence, options, Roots(), 0)), "malformed");
  bank[4] = bank.at(5);
  EXPECT_EQ(reason_of(verify_quote(evidence, options, Roots(), 0)), "measurement-mismatch");
  bank[4] = pcr4;
  evidence.pcrs[event_log::kSha384][4] = std::vector<uint8_t>(48, 7);
  const auto claims = verify_quote(evidence, options, Roots(), 0);
  ASSERT_EQ(reason_of(claims), "accepted");
  EXPECT_FALSE(claims->measurements.contains("pcr4.sha384"));
  EXPECT_EQ(claims->measurements.at("pcr4"), pcr4);
}

TEST(TpmEvidence, comes_back_from_its_json_and_refuses_other_fields) {
  QuoteEvidence evidence;
  evidence.attest = {1, 2};
  evidence.signature = {3};
  evidence.pcrs[kSha256][23] = std::vector<uint8_t>(32, 9);
  evidence.systemd_log = "\x1e{}\n";
  const std::string text = serialize(evidence);
  const auto back = parse_evidence(text);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back->pcrs, evidence.pcrs);
  EXPECT_EQ(back->systemd_log, evidence.systemd_log);
  EXPECT_EQ(serialize(*back), text);
  const auto refused = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    const size_t at = changed.find(from);
    CHECK(at != changed.npos);
    changed.replace(at, from.size(), to);
    return !parse_evidence(changed).has_value();
  };
  EXPECT_TRUE(refused("\"version\":1", "\"version\":2"));
  EXPECT_TRUE(refused("\"quote\"", "\"quotes\""));
  EXPECT_TRUE(refused("\"signature\":\"Aw\",", ""));
  EXPECT_TRUE(refused("\"23\"", "\"24\""));
  EXPECT_TRUE(refused("\"23\"", "\"023\""));
  EXPECT_TRUE(refused("sha256", "md5"));
  EXPECT_TRUE(refused("0909\"", "09\""));
  EXPECT_TRUE(refused("\"Aw\"", "\"A\""));
  EXPECT_FALSE(parse_evidence("[]").has_value());
}

}  // namespace
}  // namespace sotto::attest::tpm

// The whole TPM path over a real software TPM: key, quote, registers, event logs, NV; our verifier, and
// tpm2-tools as the other opinion.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/collect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/event_log/algorithms.h"
#include "attest/tpm/cases_for_testing.h"
#include "attest/tpm/collect_evidence.h"
#include "attest/tpm/software_tpm_for_testing.h"
#include "attest/tpm/verify.h"
#include "base/check.h"
#include "base/text_encoding.h"

namespace sotto::attest::tpm {
namespace {

using event_log::kSha256;

class CollectTest : public SoftwareTpmTest {};

constexpr PcrSelection kAllPcrs{kSha256, 0xffffff};

QuoteEvidence evidence_of(const Quote& quote, const std::vector<uint8_t>& key) {
  QuoteEvidence evidence;
  evidence.attest = quote.attest;
  evidence.signature = quote.signature;
  evidence.key = key;
  evidence.pcrs = quote.pcrs;
  return evidence;
}

QuoteOptions options_for(const std::vector<uint8_t>& key, const std::vector<uint8_t>& nonce) {
  const auto area = parse_public(key);
  CHECK(area.has_value());
  const auto trusted = attestation_key_of(*area);
  CHECK(trusted.has_value());
  return {nonce, {trusted->key.spki()}};
}

TEST_F(CollectTest, quotes_of_both_kinds_of_key_are_accepted_with_their_nonce_alone) {
  const std::vector<uint8_t> nonce(32, 0x5a);
  for (const KeyKind kind : {KeyKind::rsa2048, KeyKind::p256}) {
    const auto key = tpm_->make_key(kind);
    ASSERT_TRUE(key.has_value()) << key.error().message;
    EXPECT_EQ(*tpm_->make_key(kind), *key);
    const std::vector<uint8_t> digest(32, 7);
    ASSERT_TRUE(tpm_->extend(11, kSha256, digest).has_value());
    const auto quote = tpm_->quote(nonce, kAllPcrs);
    ASSERT_TRUE(quote.has_value()) << quote.error().message;
    EXPECT_EQ(quote->pcrs.at(kSha256).size(), 24u);
    QuoteEvidence evidence = evidence_of(*quote, *key);
    const auto again = parse_evidence(serialize(evidence));
    ASSERT_TRUE(again.has_value()) << again.error().message;
    const auto claims = verify_quote(*again, options_for(*key, nonce), Roots(), 0);
    ASSERT_TRUE(claims.has_value()) << claims.error().message;
    EXPECT_EQ(claims->measurements.at("pcr11"), quote->pcrs.at(kSha256).at(11));
    EXPECT_EQ(claims->report_data, nonce);
    const auto other =
        verify_quote(evidence, options_for(*key, std::vector<uint8_t>(32)), Roots(), 0);
    ASSERT_FALSE(other.has_value());
    EXPECT_EQ(other.error().reason, Reason::binding_mismatch);
    evidence.signature.back() ^= 1;
    EXPECT_EQ(verify_quote(evidence, options_for(*key, nonce), Roots(), 0).error().reason,
              Reason::bad_signature);
  }
}

// One event of a log with SHA-256 digests.
void append_event(ByteWriter& log, uint32_t pcr, std::string_view data) {
  log.write<uint32_t>(pcr);
  log.write<uint32_t>(0x0d);  // EV_IPL
  log.write<uint32_t>(1);
  log.write<uint16_t>(kSha256);
  log.append(*event_log::hash(kSha256, {as_bytes(data)}));
  log.write<uint32_t>(static_cast<uint32_t>(data.size()));
  log.append(data);
}

ByteWriter begin_log() {
  ByteWriter log;
  log.write<uint32_t>(0);
  log.write<uint32_t>(3);
  log.append(std::vector<uint8_t>(20));
  log.write<uint32_t>(33);
  log.append(std::string_view("Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0b\0\x20\0\0", 33));
  return log;
}

TEST_F(CollectTest, event_logs_explain_the_quoted_registers_or_are_refused) {
  const auto key = tpm_->make_key(KeyKind::p256);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  ByteWriter log = begin_log();
  for (const auto& [pcr, data] : {std::pair{4u, "boot loader"}, {4u, "kernel"}, {9u, "initrd"}}) {
    append_event(log, pcr, data);
    ASSERT_TRUE(
        tpm_->extend(pcr, kSha256, *event_log::hash(kSha256, {as_bytes(data)})).has_value());
  }
  const auto phase = *event_log::hash(kSha256, {as_bytes(std::string_view("ready"))});
  ASSERT_TRUE(tpm_->extend(11, kSha256, phase).has_value());
  const auto quote = tpm_->quote({}, kAllPcrs);
  ASSERT_TRUE(quote.has_value()) << quote.error().message;
  QuoteEvidence evidence = evidence_of(*quote, *key);
  evidence.event_log = log.bytes();
  evidence.systemd_log = fmt::format(
      "\x1e{{\"pcr\":11,\"digests\":[{{\"hashAlg\":\"sha256\",\"digest\":\"{}\"}}],"
      "\"content_type\":\"systemd\",\"content\":{{\"string\":\"ready\",\"eventType\":\"phase\"}}}}"
      "\n",
      hex_of(phase));
  const auto claims = verify_quote(evidence, options_for(*key, {}), Roots(), 0);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->notes.at("event_log_unexplained"), "");

  evidence.systemd_log.clear();
  EXPECT_EQ(
      verify_quote(evidence, options_for(*key, {}), Roots(), 0)->notes.at("event_log_unexplained"),
      "11");
  append_event(log, 9, "an event that never was");
  evidence.event_log = log.bytes();
  EXPECT_EQ(verify_quote(evidence, options_for(*key, {}), Roots(), 0).error().reason,
            Reason::measurement_mismatch);
}

TEST_F(CollectTest, tpm2_tools_accept_our_quotes_and_we_theirs) {
  const std::vector<uint8_t> nonce = {0xab, 0xcd, 0xef, 0x01};
  const auto key = tpm_->make_key(KeyKind::rsa2048);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  const auto quote = tpm_->quote(nonce, {kSha256, 0x000fff});
  ASSERT_TRUE(quote.has_value()) << quote.error().message;
  write_file("quote", quote->attest);
  write_file("signature", quote->signature);
  const auto spki = options_for(*key, {}).trusted_keys[0];
  const std::string pem = "-----BEGIN PUBLIC KEY-----\n" + base64_of(spki, Base64::standard) +
                          "\n-----END PUBLIC KEY-----\n";
  write_file("key.pem", as_bytes(pem));
  EXPECT_TRUE(run("tpm2_checkquote -u key.pem -m quote -s signature -g sha256 -q abcdef01"))
      << read_text("out");
  EXPECT_FALSE(run("tpm2_checkquote -u key.pem -m quote -s signature -g sha256 -q abcdef02"));

  ASSERT_TRUE(
      run("tpm2_createprimary -C e -G ecc256:ecdsa-sha256:null -c key.ctx -a 'fixedtpm|"
          "fixedparent|sensitivedataorigin|userwithauth|restricted|sign'"));
  ASSERT_TRUE(run("tpm2_evictcontrol -C o -c key.ctx 0x81000003"));
  ASSERT_TRUE(run("tpm2_quote -c 0x81000003 -l sha256:0,4,23 -q abcdef01 -m theirs -s theirs.sig"))
      << read_text("out");
  ASSERT_TRUE(run("tpm2_flushcontext -t"));
  connect();
  const auto their_key = tpm_->load_key(0x81000003);
  ASSERT_TRUE(their_key.has_value()) << their_key.error().message;
  QuoteEvidence theirs = evidence_of(*quote, *their_key);
  theirs.attest = read_file("theirs");
  theirs.signature = read_file("theirs.sig");
  theirs.pcrs = tpm_->quote({}, {kSha256, 0x800011})->pcrs;
  const auto claims = verify_quote(theirs, options_for(*their_key, nonce), Roots(), 0);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->measurements.size(), 3u);
}

// A key of theirs, persistent where Azure keeps its own, and an NV index.
TEST_F(CollectTest, persistent_keys_and_nv_indices_are_used_as_azure_keeps_them) {
  ASSERT_TRUE(
      run("tpm2_createprimary -C e -G rsa2048:rsapss-sha256:null -c key.ctx -a 'fixedtpm|"
          "fixedparent|sensitivedataorigin|userwithauth|restricted|sign'"));
  ASSERT_TRUE(run("tpm2_evictcontrol -C o -c key.ctx 0x81000003"));
  ASSERT_TRUE(run("tpm2_flushcontext -t"));
  ASSERT_TRUE(run("tpm2_nvdefine -C o -s 1500 -a 'ownerread|ownerwrite' 0x01400001"));
  connect();
  const auto key = tpm_->load_key(0x81000003);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  const std::vector<uint8_t> nonce(64, 1);
  const auto quote = tpm_->quote(nonce, {kSha256, 0x000011});
  ASSERT_TRUE(quote.has_value()) << quote.error().message;
  const auto claims = verify_quote(evidence_of(*quote, *key), options_for(*key, nonce), Roots(), 0);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->measurements.size(), 2u);
  EXPECT_EQ(parse_signature(quote->signature)->scheme, Scheme::rsapss);

  std::vector<uint8_t> contents(1500);
  for (size_t i = 0; i < contents.size(); ++i) contents[i] = static_cast<uint8_t>(i * 7);
  ASSERT_TRUE(tpm_->write_nv(0x01400001, contents).has_value());
  const auto read = tpm_->read_nv(0x01400001);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(*read, contents);
  EXPECT_EQ(tpm_->read_nv(0x01400002).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(tpm_->load_key(0x81000004).error().kind, ErrorKind::unavailable);
}

// A key that signs anything could sign a quote that no TPM made.
TEST_F(CollectTest, a_key_that_is_not_restricted_is_refused) {
  ASSERT_TRUE(
      run("tpm2_createprimary -C e -G rsa2048:rsassa-sha256:null -c key.ctx -a 'fixedtpm|"
          "fixedparent|sensitivedataorigin|userwithauth|sign'"));
  ASSERT_TRUE(run("tpm2_evictcontrol -C o -c key.ctx 0x81000003"));
  ASSERT_TRUE(run("tpm2_flushcontext -t"));
  connect();
  const auto key = tpm_->load_key(0x81000003);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  const auto quote = tpm_->quote({}, {kSha256, 1});
  ASSERT_TRUE(quote.has_value()) << quote.error().message;
  const auto refused = verify_quote(evidence_of(*quote, *key), {}, Roots(), 0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().reason, Reason::identity_mismatch);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("restricted"));
}

// As Google leaves them: a template and a certificate in NV indices; and the logs beside.
TEST_F(CollectTest, evidence_is_whole_with_googles_template_certificate_and_logs) {
  EXPECT_EQ(*find_key_source(*tpm_), KeySource::own);
  const auto key = tpm_->make_key(KeyKind::p256);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  const auto area = parse_public(*key);
  const auto spki = attestation_key_of(*area);
  ASSERT_TRUE(spki.has_value()) << spki.error().message;
  const VendorForTesting vendor;
  const crypto::Certificate certificate = vendor.certify(spki->key);
  // A template is a public area without the key's own numbers: x and y of no bytes.
  std::vector<uint8_t> key_template(key->begin(), key->end() - 68);
  key_template.insert(key_template.end(), {0, 0, 0, 0});
  for (const auto& [index, size] :
       {std::pair{"0x01c10003", key_template.size()}, {"0x01c10002", size_t{1024}}}) {
    ASSERT_TRUE(
        run(fmt::format("tpm2_nvdefine -C o -s {} -a 'ownerread|ownerwrite' {}", size, index)))
        << read_text("out");
  }
  connect();
  std::vector<uint8_t> filled(certificate.der().begin(), certificate.der().end());
  filled.resize(1024);
  ASSERT_TRUE(tpm_->write_nv(0x01c10003, key_template).has_value());
  ASSERT_TRUE(tpm_->write_nv(0x01c10002, filled).has_value());
  EXPECT_EQ(*find_key_source(*tpm_), KeySource::google_ecc);

  ByteWriter log = begin_log();
  append_event(log, 4, "kernel");
  const auto digest = *event_log::hash(kSha256, {as_bytes(std::string_view("kernel"))});
  ASSERT_TRUE(tpm_->extend(4, kSha256, digest).has_value());
  const LogPaths paths{folder_ / "firmware", folder_ / "systemd"};
  EXPECT_EQ(collect_evidence(*tpm_, KeySource::google_ecc, nonce_for_testing(), paths).error().kind,
            ErrorKind::unavailable);
  write_file("firmware", log.bytes());
  const auto evidence = collect_evidence(*tpm_, KeySource::google_ecc, nonce_for_testing(), paths);
  ASSERT_TRUE(evidence.has_value()) << evidence.error().message;
  EXPECT_EQ(evidence->key, *key);
  Roots roots;
  roots.replace(Vendor::google_vtpm, {vendor.root()});
  const auto claims = verify_tpm_quote(as_bytes(serialize(*evidence)), {nonce_for_testing(), {}},
                                       roots, VendorForTesting::kTime);
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->notes.at("event_log_unexplained"), "");
}

TEST_F(CollectTest, wrong_use_is_an_error) {
  EXPECT_EQ(tpm_->quote({}, kAllPcrs).error().kind, ErrorKind::unavailable);
  ASSERT_TRUE(tpm_->make_key(KeyKind::p256).has_value());
  EXPECT_EQ(tpm_->quote(std::vector<uint8_t>(65), kAllPcrs).error().kind, ErrorKind::exhausted);
  EXPECT_EQ(tpm_->extend(24, kSha256, std::vector<uint8_t>(32)).error().kind, ErrorKind::malformed);
  EXPECT_EQ(tpm_->quote({}, {0x0012, 1}).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(Tpm::open("swtpm:path=/nonexistent").error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace sotto::attest::tpm

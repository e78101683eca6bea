// Launch endorsements, made by a test signer in Google's format: accepted, and refused by each rule.
// SPDX-License-Identifier: Apache-2.0
#include "attest/google/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/google/endorsement_for_testing.h"
#include "attest/google/protobuf.h"
#include "base/text_encoding.h"

namespace sotto::attest::google {
namespace {

constexpr int64_t kNow = 1'750'000'000;

std::string reason_of(const Verified<Claims>& claims) {
  return claims ? "accepted" : std::string(to_string(claims.error().reason));
}

std::vector<uint8_t> bytes_48(uint8_t byte) {
  return std::vector<uint8_t>(48, byte);
}

Claims machine(EvidenceKind kind, std::string name, uint8_t byte) {
  Claims claims;
  claims.kind = kind;
  claims.platform = kind == EvidenceKind::tdx_quote ? "intel-tdx" : "amd-sev-snp";
  claims.measurements[std::move(name)] = bytes_48(byte);
  claims.rules = {{"quote-signature", RuleVerdict::passed, "", ""}};
  return claims;
}

TEST(LaunchEndorsement, gives_its_reference_values) {
  const EndorserForTesting endorser(kNow);
  const auto claims = verify_endorsement(endorser.endorse(), endorser.roots(), kNow);
  ASSERT_EQ(reason_of(claims), "accepted") << claims.error().message;
  EXPECT_EQ(claims->measurements.at("firmware"), bytes_48(1));
  EXPECT_EQ(claims->measurements.at("mrtd.16gib"), bytes_48(2));
  EXPECT_EQ(claims->measurements.at("mrtd.32gib.early"), bytes_48(3));
  EXPECT_EQ(claims->measurements.at("measurement.4vcpu"), bytes_48(4));
  EXPECT_TRUE(claims->root_replaced);
  EXPECT_EQ(claims->rules.size(), 5u);
  EXPECT_EQ(reason_of(verify_endorsement(endorser.endorse(), Roots::pinned(), kNow)),
            "untrusted-root");
}

TEST(LaunchEndorsement, endorses_machines_that_measured_its_values_alone) {
  const EndorserForTesting endorser(kNow);
  const auto endorsement = endorser.endorse();
  const auto roots = endorser.roots();
  const auto tdx = endorse(machine(EvidenceKind::tdx_quote, "mrtd", 3), endorsement, roots, kNow);
  ASSERT_EQ(reason_of(tdx), "accepted") << tdx.error().message;
  EXPECT_EQ(tdx->notes.at("firmware_ram_gib"), "32");
  EXPECT_EQ(tdx->rules.front().name, "quote-signature");
  EXPECT_EQ(tdx->rules.back().name, "firmware-endorsed");
  const auto snp =
      endorse(machine(EvidenceKind::snp_report, "measurement", 4), endorsement, roots, kNow);
  ASSERT_EQ(reason_of(snp), "accepted") << snp.error().message;
  EXPECT_EQ(snp->notes.at("firmware_vcpus"), "4");
  EXPECT_EQ(snp->notes.at("firmware_svn"), "7");
  EXPECT_EQ(
      reason_of(endorse(machine(EvidenceKind::tdx_quote, "mrtd", 4), endorsement, roots, kNow)),
      "measurement-mismatch");
  EXPECT_EQ(reason_of(endorse(machine(EvidenceKind::snp_report, "measurement", 3), endorsement,
                              roots, kNow)),
            "measurement-mismatch");
  EXPECT_EQ(reason_of(endorse(machine(EvidenceKind::nitro_document, "pcr0", 3), endorsement, roots,
                              kNow)),
            "wrong-collateral");
}

TEST(LaunchEndorsementMutations, are_all_refused) {
  const EndorserForTesting endorser(kNow);
  const auto roots = endorser.roots();
  auto bytes = endorser.endorse();
  size_t accepted = 0, bits = 0;
  const size_t step = bytes.size() * 8 > 20'000 ? 3 : 1;
  for (size_t bit = 0; bit < bytes.size() * 8; bit += step) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    const bool ok = verify_endorsement(bytes, roots, kNow).has_value();
    EXPECT_FALSE(ok) << "byte " << bit / 8 << " bit " << bit % 8;
    accepted += ok ? 1 : 0;
    ++bits;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
  EXPECT_EQ(accepted, 0u);
  EXPECT_GT(bits, 5000u);
}

// A certificate table [GHCB §4.1.8]: entries, an entry of zeros, contents.
std::vector<uint8_t> make_table(const std::vector<std::string>& guids, uint32_t offset,
                                uint32_t bytes) {
  ByteWriter out;
  for (const std::string& guid : guids) {
    out.append(*bytes_of_hex(guid));
    out.write(offset);
    out.write(bytes);
  }
  out.append(std::vector<uint8_t>(24));
  out.append(std::string_view("endorsement"));
  return out.release();
}

TEST(CertificateTable, holds_at_most_one_endorsement) {
  const std::string ours = "9f4116cdc5034f5a8f6ffb68882f4ce2", other(32, '7');
  const auto found = [](const std::vector<uint8_t>& table) {
    const auto bytes = find_endorsement(table);
    return bytes ? std::string(bytes->begin(), bytes->end()) : "refused";
  };
  EXPECT_EQ(found(make_table({other, ours}, 72, 11)), "endorsement");
  EXPECT_EQ(found(make_table({other}, 48, 11)), "");
  EXPECT_EQ(found({}), "");
  EXPECT_EQ(found(make_table({ours, ours}, 72, 11)), "refused");
  EXPECT_EQ(found(make_table({ours}, 48, 12)), "refused");
  EXPECT_EQ(found(make_table({ours}, 60, 0)), "refused");
  EXPECT_EQ(found(make_table({ours}, UINT32_MAX, 2)), "refused");
  EXPECT_EQ(found({1, 2, 3}), "refused");
}

TEST(Protobuf, refuses_what_its_wire_format_does_not_have) {
  const auto read = [](std::vector<uint8_t> bytes) { return ProtoReader(bytes).next(); };
  const std::vector<uint8_t> number = {0x08, 0x96, 0x01};
  EXPECT_EQ(ProtoReader(number).next()->value, 150u);
  EXPECT_FALSE(read({0x00, 0x00}));        // field 0
  EXPECT_FALSE(read({0x0b}));              // a group
  EXPECT_FALSE(read({0x0f}));              // wire type 7
  EXPECT_FALSE(read({0x0a, 0x05, 1, 2}));  // too short
  EXPECT_FALSE(read({0x08, 0xff}));        // a varint without its end
  EXPECT_FALSE(read({0x0d, 1, 2, 3}));     // three of four bytes
  EXPECT_FALSE(read({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}));
  EXPECT_FALSE(read({0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}));
  const std::vector<uint8_t> largest = {0x08, 0xff, 0xff, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0x01};
  EXPECT_EQ(ProtoReader(largest).next()->value, UINT64_MAX);
}

}  // namespace
}  // namespace sotto::attest::google

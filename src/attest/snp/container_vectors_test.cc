// Real SNP reports that come inside of other programs' containers, taken out by the test: go-sev-guest's
// protocol buffers and an envelope around them.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "attest/appraise/appraise.h"
#include "attest/cbor/cbor.h"
#include "attest/snp/verify.h"
#include "attest/vectors_for_testing.h"
#include "base/text_encoding.h"

namespace sotto::attest::snp {
namespace {

using Raw = std::vector<uint8_t>;
const std::string kFolder = "snp/reclaimprotocol_attestor-core/";
constexpr int64_t kTime = 1782000000;  // in June 2026, when all of them were made

// The last value of each field of one message: numbers, or bytes.
struct Message {
  explicit Message(Bytes bytes) {
    size_t at = 0;
    const auto varint = [&] {
      uint64_t value = 0;
      for (int shift = 0; at < bytes.size(); shift += 7) {
        value |= uint64_t{bytes[at] & 0x7fu} << shift;
        if (bytes[at++] < 0x80) break;
      }
      return value;
    };
    while (at < bytes.size()) {
      const uint64_t key = varint();
      if (key % 8 == 0) numbers[key / 8] = varint();
      if (key % 8 != 2) continue;
      const size_t size = varint();
      strings[key / 8] = bytes.subspan(at, size);
      at += size;
    }
  }
  std::map<uint64_t, uint64_t> numbers;
  std::map<uint64_t, Bytes> strings;
};

struct Attestation {
  Raw report = Raw(kReportBytes);
  Raw certificate;
};

// go-sev-guest's sevsnp.proto: Attestation{1: Report, 2: CertificateChain{1: VCEK, 6: VLEK}}.
Attestation read_attestation(Bytes bytes) {
  Message outer(bytes);
  Message fields(outer.strings.at(1));
  Message certificates(outer.strings.at(2));
  Attestation out;
  const auto put = [&](uint64_t field, size_t offset, size_t count) {
    std::memcpy(&out.report[offset], &fields.numbers[field], count);
  };
  const auto copy = [&](uint64_t field, size_t offset) {
    std::ranges::copy(fields.strings.at(field),
                      out.report.begin() + static_cast<ptrdiff_t>(offset));
  };
  constexpr std::array<std::array<size_t, 3>, 19> kNumbers = {{
      {1, 0x00, 4},   {2, 0x04, 4},   {3, 0x08, 8},   {6, 0x30, 4},   {7, 0x34, 4},
      {8, 0x38, 8},   {9, 0x40, 8},   {10, 0x48, 4},  {18, 0x180, 8}, {20, 0x1e0, 8},
      {21, 0x1e8, 1}, {22, 0x1e9, 1}, {23, 0x1ea, 1}, {24, 0x1ec, 1}, {25, 0x1ed, 1},
      {26, 0x1ee, 1}, {27, 0x1f0, 8}, {30, 0x1f8, 8}, {31, 0x200, 8},
  }};
  for (const auto& [field, offset, count] : kNumbers) put(field, offset, count);
  constexpr std::array<std::array<size_t, 2>, 11> kStrings = {{{4, 0x10},
                                                               {5, 0x20},
                                                               {11, 0x50},
                                                               {12, 0x90},
                                                               {13, 0xc0},
                                                               {14, 0xe0},
                                                               {15, 0x110},
                                                               {16, 0x140},
                                                               {17, 0x160},
                                                               {19, 0x1a0},
                                                               {28, 0x2a0}}};
  for (const auto& [field, offset] : kStrings) copy(field, offset);
  // Family, model and stepping as CPUID packs them.
  const uint64_t eax = fields.numbers[29];
  out.report[0x188] = static_cast<uint8_t>((eax >> 8 & 0xf) + (eax >> 20 & 0xff));
  out.report[0x189] = static_cast<uint8_t>((eax >> 4 & 0xf) | (eax >> 12 & 0xf0));
  out.report[0x18a] = static_cast<uint8_t>(eax & 0xf);
  const uint64_t wanted = certificates.strings.contains(6) ? 6 : 1;
  const Bytes der = certificates.strings.at(wanted);
  out.certificate.assign(der.begin(), der.end());
  return out;
}

// One byte, and a CBOR map behind it.
Raw read_envelope(const std::string& file, std::string_view field) {
  const Raw text = read_vector(kFolder + file);
  std::string base64(text.begin(), text.end());
  std::erase_if(base64, [](char c) { return c == '\n' || c == '\r'; });
  const auto bytes = bytes_of_base64(base64, Base64::standard);
  EXPECT_TRUE(bytes.has_value());
  const auto document = cbor::Document::read(Bytes(*bytes).subspan(1));
  EXPECT_TRUE(document.has_value());
  const Bytes found = document->root().find(field)->bytes(field).value();
  return {found.begin(), found.end()};
}

Verified<Claims> verify_attestation(Bytes bytes) {
  const Attestation attestation = read_attestation(bytes);
  Collateral collateral;
  EXPECT_TRUE(collateral.add(std::string(kKeyCertificate), attestation.certificate));
  return verify_snp_report(attestation.report, collateral, Roots::pinned(), kTime);
}

TEST(SnpContainers, hold_reports_of_aws_that_are_verified) {
  SKIP_WITHOUT_VECTORS();
  for (const Raw& bytes : {read_vector(kFolder + "aws_vlek_attestation.pb"),
                           read_envelope("aws_combined.b64", "sev")}) {
    const auto claims = verify_attestation(bytes);
    ASSERT_TRUE(claims.has_value()) << claims.error().message;
    EXPECT_EQ(claims->notes.at("signing_key"), "VLEK");
    EXPECT_EQ(claims->notes.at("report_version"), "5");
    EXPECT_EQ(claims->notes.at("product"), "Milan");
    EXPECT_TRUE(appraise(claims, default_policy()).verified);
  }
}

TEST(SnpContainers, hold_a_report_of_google_that_is_verified) {
  SKIP_WITHOUT_VECTORS();
  const Raw machine = read_envelope("gcp_combined.b64", "tpm");
  const auto claims = verify_attestation(Message(machine).strings.at(8));
  ASSERT_TRUE(claims.has_value()) << claims.error().message;
  EXPECT_EQ(claims->notes.at("signing_key"), "VCEK");
  EXPECT_EQ(claims->notes.at("current_mitigations"), "0xb");
  EXPECT_TRUE(appraise(claims, default_policy()).verified);
}

}  // namespace
}  // namespace sotto::attest::snp

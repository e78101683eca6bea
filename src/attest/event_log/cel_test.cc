// Canonical event logs of Google's launcher.
// SPDX-License-Identifier: Apache-2.0
#include "attest/event_log/cel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "attest/event_log/algorithms.h"
#include "attest/event_log/vectors_for_testing.h"

namespace sotto::attest::event_log {
namespace {

using ::testing::HasSubstr;
using testing::read_bytes;
using testing::vectors;

// RTMR3 of the TD quote that was made beside the log.
std::vector<uint8_t> quoted_rtmr3() {
  const auto quote = read_bytes(vectors() / "gcp/google_go-tpm-tools/tdx_quote.bin");
  const auto at = quote.begin() + 48 + 328 + 3 * 48;
  return {at, at + 48};
}

TEST(CelVectors, replay_to_the_quoted_register_and_prove_their_words) {
  SKIP_WITHOUT_VECTORS();
  const auto bytes = read_bytes(vectors() / "gcp/google_go-tpm-tools/cel.bin");
  const auto records = parse_cel(bytes);
  ASSERT_TRUE(records.has_value()) << records.error().message;
  ASSERT_EQ(records->size(), 18u);
  RegisterValues values;
  ASSERT_TRUE(replay(*records, Registers::rtmrs, kSha384, values).has_value());
  EXPECT_EQ(values, (RegisterValues{{4, quoted_rtmr3()}}));
  for (const CelRecord& record : *records) EXPECT_TRUE(record.is_proven(kSha384)) << record.text();
  EXPECT_THAT((*records)[0].text(), HasSubstr("image reference: us-west1-docker.pkg.dev/"));
  EXPECT_THAT((*records)[1].text(), HasSubstr("image digest: sha256:777049f9"));
  EXPECT_EQ((*records)[2].text(), "restart policy: Never");
  EXPECT_EQ((*records)[16].text(), "GPU mode: ON");
  EXPECT_EQ(replay(*records, Registers::rtmrs, kSha256, values).error().kind,
            ErrorKind::unsupported);
}

TEST(CelVectors, of_pcrs_are_read_too) {
  SKIP_WITHOUT_VECTORS();
  const auto bytes =
      read_bytes(vectors() / "gcp/GoogleCloudPlatform_confidential-space/cel_launch_event_log.bin");
  const auto records = parse_cel(bytes);
  ASSERT_TRUE(records.has_value()) << records.error().message;
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ(records->at(0).registers, Registers::pcrs);
  EXPECT_EQ(records->at(0).reg, 19u);
  RegisterValues values;
  ASSERT_TRUE(replay(*records, Registers::pcrs, kSha256, values).has_value());
  EXPECT_TRUE(values.contains(19));
}

TEST(CelMutations, of_each_bit_change_the_register_its_words_or_are_refused) {
  SKIP_WITHOUT_VECTORS();
  auto bytes = read_bytes(vectors() / "gcp/google_go-tpm-tools/cel.bin");
  const auto rtmr3 = quoted_rtmr3();
  size_t accepted = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; bit += 3) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    const auto records = parse_cel(bytes);
    RegisterValues values;
    const bool replayed = records && replay(*records, Registers::rtmrs, kSha384, values);
    accepted +=
        replayed && values == RegisterValues{{4, rtmr3}} &&
                std::ranges::all_of(
                    *records, [](const CelRecord& record) { return record.is_proven(kSha384); })
            ? 1
            : 0;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
  EXPECT_EQ(accepted, 0u);
}

std::vector<uint8_t> tlv(uint8_t type, const std::vector<uint8_t>& value) {
  std::vector<uint8_t> out(5 + value.size());
  out[0] = type;
  out[4] = static_cast<uint8_t>(value.size());
  std::copy(value.begin(), value.end(), out.begin() + 5);
  return out;
}

std::vector<uint8_t> join(std::initializer_list<std::vector<uint8_t>> parts) {
  std::vector<uint8_t> out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

TEST(Cel, is_refused_where_a_record_is_not_one) {
  const auto digest = tlv(kSha256, std::vector<uint8_t>(32, 1));
  const auto content = tlv(80, {});
  const auto number = tlv(0, {0}), reg = tlv(1, {4}), digests = tlv(3, digest);
  const auto ok = [](std::vector<uint8_t> bytes) { return parse_cel(bytes).has_value(); };
  EXPECT_TRUE(ok({}));
  EXPECT_TRUE(ok(join({number, reg, digests, content})));
  EXPECT_FALSE(ok(join({number, reg, digests})));
  EXPECT_FALSE(ok(join({reg, number, digests, content})));
  EXPECT_FALSE(ok(join({tlv(0, {1}), reg, digests, content})));                    // not 0
  EXPECT_FALSE(ok(join({tlv(0, {}), reg, digests, content})));                     // no number
  EXPECT_FALSE(ok(join({number, tlv(1, {24}), digests, content})));                // no PCR
  EXPECT_FALSE(ok(join({number, tlv(108, {0}), digests, content})));               // MRTD
  EXPECT_FALSE(ok(join({number, tlv(108, {5}), digests, content})));               // no RTMR
  EXPECT_FALSE(ok(join({number, tlv(2, {4}), digests, content})));                 // an NV index
  EXPECT_FALSE(ok(join({number, reg, tlv(3, join({digest, digest})), content})));  // twice
  EXPECT_FALSE(ok(join({number, reg, tlv(3, tlv(kSha256, {1})), content})));       // too short
}

}  // namespace
}  // namespace sotto::attest::event_log

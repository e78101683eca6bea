// DER: what is read, and encodings that are not the one.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/der.h"

#include <gtest/gtest.h>

#include <vector>

namespace sotto::crypto {
namespace {

using Raw = std::vector<uint8_t>;

TEST(Der, walks_items) {
  const Raw bytes = {0x30, 0x06, 0x02, 0x01, 0x05, 0x01, 0x01, 0xff, 0x04, 0x00};
  DerReader reader(bytes);
  DerReader inner(reader.take(kDerSequence, "sequence").value());
  EXPECT_EQ(der_unsigned(inner.take(kDerInteger, "number").value(), "number").value(), 5u);
  EXPECT_FALSE(inner.take(kDerInteger, "number"));
  EXPECT_TRUE(reader.take(kDerOctetString, "octets").value().empty());
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.next("nothing"));
}

TEST(Der, refuses_lengths_that_are_not_the_one) {
  const Raw bad[] = {{0x04},
                     {0x04, 0x01},
                     {0x04, 0x80},
                     {0x04, 0x81, 0x01, 0x00},
                     {0x1f, 0x01, 0x00},
                     {0x04, 0x82, 0x00, 0x80},
                     {0x04, 0x85, 0, 0, 0, 0, 1, 0}};
  for (const Raw& bytes : bad) EXPECT_FALSE(DerReader(bytes).next("item")) << bytes.size();
  Raw good = {0x04, 0x81, 0x80};
  good.resize(3 + 0x80);
  EXPECT_EQ(DerReader(good).next("item").value().content.size(), 0x80u);
}

TEST(Der, reads_numbers_and_identifiers) {
  EXPECT_EQ(der_unsigned(Raw{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, "").value(),
            UINT64_MAX);
  for (const Raw& bad : {Raw{}, Raw{0x80}, Raw{0x00, 0x01}, Raw(9, 0x01)}) {
    EXPECT_FALSE(der_unsigned(bad, ""));
  }
  EXPECT_EQ(der_oid(Raw{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01}, "").value(),
            "1.2.840.113741.1.13.1");
  EXPECT_EQ(der_oid(Raw{0x67, 0x81, 0x05, 0x05, 0x04, 0x01}, "").value(), "2.23.133.5.4.1");
  for (const Raw& bad : {Raw{}, Raw{0x80, 0x01}, Raw{0x2a, 0x86}, Raw(12, 0xff)}) {
    EXPECT_FALSE(der_oid(bad, ""));
  }
  EXPECT_FALSE(der_boolean(Raw{1}, ""));
  EXPECT_TRUE(der_boolean(Raw{0xff}, "").value());
}

}  // namespace
}  // namespace sotto::crypto

// Hexadecimal and base64: published examples, and what is refused.
// SPDX-License-Identifier: Apache-2.0
#include "base/text_encoding.h"

#include <gtest/gtest.h>

namespace sotto {
namespace {

std::string decoded(std::string_view text, Base64 alphabet) {
  Result<std::vector<uint8_t>> bytes = bytes_of_base64(text, alphabet);
  return bytes ? std::string(bytes->begin(), bytes->end()) : "refused";
}

TEST(TextEncoding, hex_goes_both_ways) {
  const std::vector<uint8_t> bytes = {0x00, 0x7f, 0xab, 0xff};
  EXPECT_EQ(hex_of(bytes), "007fabff");
  EXPECT_EQ(bytes_of_hex("007fABff").value(), bytes);
  EXPECT_TRUE(bytes_of_hex("").value().empty());
  for (std::string_view bad : {"0", "0g", "0x00", " 00 "}) EXPECT_FALSE(bytes_of_hex(bad)) << bad;
}

// [RFC4648 §10] test vectors.
TEST(TextEncoding, base64_matches_published_examples) {
  const std::pair<std::string, std::string> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [text, encoded] : examples) {
    EXPECT_EQ(base64_of(as_bytes(text), Base64::standard), encoded);
    EXPECT_EQ(decoded(encoded, Base64::standard), text);
    const std::string bare = encoded.substr(0, encoded.find('='));
    EXPECT_EQ(base64_of(as_bytes(text), Base64::url), bare);
    EXPECT_EQ(decoded(bare, Base64::url), text);
  }
}

TEST(TextEncoding, base64_alphabets_do_not_mix) {
  const std::vector<uint8_t> bytes = {0xfb, 0xff};
  EXPECT_EQ(base64_of(bytes, Base64::standard), "+/8=");
  EXPECT_EQ(base64_of(bytes, Base64::url), "-_8");
  EXPECT_FALSE(bytes_of_base64("-_8", Base64::standard));
  EXPECT_FALSE(bytes_of_base64("+/8=", Base64::url));
}

TEST(TextEncoding, refuses_base64_that_is_not_the_one_text) {
  for (std::string_view bad :
       {"Z", "Zg=", "Zg===", "Zh==", "Zm9=", "Z m8", "Zm9v\n", "=", "===="}) {
    EXPECT_FALSE(bytes_of_base64(bad, Base64::standard)) << bad;
  }
}

}  // namespace
}  // namespace sotto

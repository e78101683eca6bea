// UTF-8 decoding: well-formed, broken and unfinished sequences.
// SPDX-License-Identifier: Apache-2.0
#include "text/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace sotto::text {
namespace {

using State = Utf8Sequence::State;

TEST(Utf8, EveryCodePointComesBack) {
  for (uint32_t code_point = 0; code_point < 0x110000; ++code_point) {
    if (code_point >= 0xD800 && code_point < 0xE000) continue;
    std::string text;
    append_utf8(text, code_point);
    const Utf8Sequence sequence = next_utf8(text);
    ASSERT_EQ(sequence.state, State::valid) << code_point;
    ASSERT_EQ(sequence.bytes, text.size()) << code_point;
    ASSERT_EQ(sequence.code_point, code_point);
    for (size_t cut = 1; cut < text.size(); ++cut) {
      const Utf8Sequence part = next_utf8(std::string_view(text).substr(0, cut));
      ASSERT_EQ(part.state, State::unfinished) << code_point;
      ASSERT_EQ(part.bytes, cut) << code_point;
    }
  }
}

TEST(Utf8, BrokenSequencesAreAsLongAsTheirValidStart) {
  const struct {
    std::string_view text;
    uint8_t bytes;
  } cases[] = {
      {"\x80", 1},              // continuation alone
      {"\xC0\x80", 1},          // overlong
      {"\xC1\xBF", 1},          //
      {"\xC3(", 1},             // continuation missing
      {"\xE0\x80\x80", 1},      // overlong
      {"\xE4\xB8(", 2},         // third byte missing
      {"\xED\xA0\x80", 1},      // surrogate
      {"\xF0\x9F\x98(", 3},     // fourth byte missing
      {"\xF0\x80\x80\x80", 1},  // overlong
      {"\xF4\x90\x80\x80", 1},  // beyond U+10FFFF
      {"\xF5\x80\x80\x80", 1},  //
      {"\xFF", 1},
  };
  for (const auto& [text, bytes] : cases) {
    const Utf8Sequence sequence = next_utf8(text);
    EXPECT_EQ(sequence.state, State::invalid) << testing::PrintToString(text);
    EXPECT_EQ(sequence.bytes, bytes) << testing::PrintToString(text);
  }
}

TEST(Utf8, MakingValidReplacesEachBrokenSequenceOnce) {
  EXPECT_EQ(make_valid_utf8("aé中"), "aé中");
  EXPECT_EQ(make_valid_utf8("a\xFF\x80z"), "a\uFFFD\uFFFDz");
  EXPECT_EQ(make_valid_utf8("a\xF0\x9F\x98z"), "a\uFFFDz");
  EXPECT_EQ(make_valid_utf8("a\xE4\xB8"), "a\uFFFD");
  EXPECT_EQ(make_valid_utf8(""), "");
}

TEST(Utf8, ValidPrefixEndsBeforeTheFirstBrokenByte) {
  EXPECT_EQ(valid_utf8_prefix("é\xFF"), 2u);
  EXPECT_EQ(valid_utf8_prefix("\xFF"), 0u);
  EXPECT_EQ(valid_utf8_prefix("é\xE4\xB8"), 2u);
}

}  // namespace
}  // namespace sotto::text

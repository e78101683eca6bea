// The streaming detokenizer: valid UTF-8 after every token, nothing lost.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/tokenizer.h"
#include "text/utf8.h"
#include "text/vocabulary_for_testing.h"

namespace sotto::text {
namespace {

// In this vocabulary the token of a byte is the byte's number.
class DetokenizerTest : public testing::Test {
 protected:
  Tokenizer tokenizer_ =
      Tokenizer::from_metadata(byte_level_vocabulary({{"<|im_end|>"}}).metadata()).value();

  // What each byte of `bytes` released, then what finish() did, separated by bars.
  std::string stream(std::string_view bytes) const {
    Detokenizer detokenizer(tokenizer_);
    std::string out;
    for (const char byte : bytes) {
      const std::string text = detokenizer.push(static_cast<uint8_t>(byte));
      EXPECT_EQ(valid_utf8_prefix(text), text.size());
      out += text + "|";
    }
    return out + detokenizer.finish();
  }
};

TEST_F(DetokenizerTest, HoldsACharacterBackUntilItIsWhole) {
  EXPECT_EQ(stream("a\xF0\x9F\x98\x80z"), "a||||\U0001F600|z|");
  EXPECT_EQ(stream("\xC3\xA9"), "|é|");
}

TEST_F(DetokenizerTest, ReleasesBrokenBytesAsReplacementAtOnce) {
  EXPECT_EQ(stream("\xFFz"), "\uFFFD|z|");
  EXPECT_EQ(stream("\xF0\x9Fz"), "||\uFFFDz|");
  EXPECT_EQ(stream("\xC3\xC3\xA9"), "|\uFFFD|é|");
  EXPECT_EQ(stream("\xED\xA0"), "|\uFFFD\uFFFD|");
}

TEST_F(DetokenizerTest, FinishesAnUnfinishedCharacterAsReplacement) {
  EXPECT_EQ(stream("a\xF0\x9F\x98"), "a||||\uFFFD");
  EXPECT_EQ(stream(""), "");
}

TEST_F(DetokenizerTest, EveryPairOfBytesStreamsAsItDecodesWhole) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string bytes = {static_cast<char>(first), static_cast<char>(second)};
      std::string streamed = stream(bytes);
      std::erase(streamed, '|');
      std::string expected = make_valid_utf8(bytes);
      std::erase(expected, '|');
      ASSERT_EQ(streamed, expected) << first << " " << second;
    }
  }
}

TEST_F(DetokenizerTest, ControlTokensDoNotBreakACharacter) {
  const TokenId end = tokenizer_.find("<|im_end|>").value();
  Detokenizer detokenizer(tokenizer_);
  EXPECT_EQ(detokenizer.push(0xC3), "");
  EXPECT_EQ(detokenizer.push(end), "");
  EXPECT_EQ(detokenizer.push(0xA9), "é");
}

}  // namespace
}  // namespace sotto::text

// Pre-tokenizers: where each family cuts, and that nothing is lost or slow.
// SPDX-License-Identifier: Apache-2.0
#include "text/pretokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "text/pretokenizer_patterns.h"

namespace sotto::text {
namespace {

using testing::ElementsAre;

constexpr std::string_view kNames[] = {
    "gpt-2",       "llama-bpe", "qwen2",  "deepseek-r1-qwen", "deepseek-llm", "deepseek-coder",
    "deepseek-v3", "bloom",     "falcon", "starcoder",        "command-r",    "default",
};

std::vector<std::string> pieces(std::string_view name, std::string_view text) {
  const Result<PreTokenizer> pre_tokenizer = PreTokenizer::create(name);
  EXPECT_TRUE(pre_tokenizer) << name;
  std::vector<uint32_t> ends;
  EXPECT_TRUE(pre_tokenizer->split(text, ends));
  std::vector<std::string> out;
  uint32_t begin = 0;
  for (const uint32_t end : ends) {
    EXPECT_GT(end, begin);
    out.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  EXPECT_EQ(begin, text.size());
  return out;
}

TEST(PreTokenizer, Gpt2KeepsTheSpaceBeforeAWord) {
  EXPECT_THAT(pieces("gpt-2", "I'm  here, 1234!\n\n"),
              ElementsAre("I", "'m", " ", " here", ",", " 1234", "!", "\n\n"));
}

TEST(PreTokenizer, Llama3GroupsDigitsByThreeAndIgnoresCaseInContractions) {
  EXPECT_THAT(pieces("llama-bpe", "I'M 12345 (ok)\n\n x"),
              ElementsAre("I", "'M", " ", "123", "45", " (", "ok", ")\n\n", " x"));
}

TEST(PreTokenizer, Qwen2TakesEveryDigitAlone) {
  EXPECT_THAT(pieces("qwen2", "a 12\r\n  b"), ElementsAre("a", " ", "1", "2", "\r\n", " ", " b"));
}

TEST(PreTokenizer, DeepSeekLlmCutsAtEveryLineBreakAndKeepsTrailingSpace) {
  EXPECT_THAT(pieces("deepseek-llm", "ab\n\n中文 x!?  "),
              ElementsAre("ab", "\n", "\n", "中文", " x", "!?", "  "));
}

TEST(PreTokenizer, DeepSeekCoderSplitsPunctuationFromSymbols) {
  EXPECT_THAT(pieces("deepseek-coder", "a+=(b) 12"),
              ElementsAre("a", "+=", "(", "b", ")", " ", "1", "2"));
}

TEST(PreTokenizer, DeepSeekV3JoinsOnePunctuationMarkToAWord) {
  EXPECT_THAT(pieces("deepseek-v3", "(abc) 1234 かな ~/x"),
              ElementsAre("(abc", ")", " ", "123", "4", " ", "かな", " ~/", "x"));
}

TEST(PreTokenizer, BloomCutsAtMarksOfSeveralScripts) {
  EXPECT_THAT(pieces("bloom", "a-b c，d। e"), ElementsAre("a-b", " c", "，", "d", "।", " e"));
}

TEST(PreTokenizer, FalconTakesPunctuationFirst) {
  EXPECT_THAT(pieces("falcon", "a<=b 12345"), ElementsAre("a", "<=", "b", " ", "123", "45"));
}

TEST(PreTokenizer, StarCoderTakesEveryDigitAlone) {
  EXPECT_THAT(pieces("starcoder", "x 12"), ElementsAre("x", " ", "1", "2"));
  EXPECT_THAT(pieces("command-r", "x 12"), ElementsAre("x", " ", "1", "2"));
}

TEST(PreTokenizer, DefaultGroupsDigitsByThree) {
  EXPECT_THAT(pieces("default", "a.b 12345"), ElementsAre("a", ".", "b", " ", "123", "45"));
}

TEST(PreTokenizer, LettersBeyondUnicode14AreLetters) {
  EXPECT_THAT(pieces("qwen2", "\U00031350\U0002EBF0 \U00011F50"),
              ElementsAre("\U00031350\U0002EBF0", " ", "\U00011F50"));
}

TEST(PreTokenizer, MongolianVowelSeparatorIsNoWhiteSpace) {
  EXPECT_THAT(pieces("gpt-2", "  \u180Ex"), ElementsAre(" ", " \u180E", "x"));
}

TEST(PreTokenizer, BrokenBytesStandApart) {
  EXPECT_THAT(pieces("gpt-2", "ab\xFF\xFE cd\xE4\xB8"),
              ElementsAre("ab", "\xFF\xFE", " cd", "\xE4\xB8"));
}

TEST(PreTokenizer, EveryFamilyCoversEveryText) {
  for (const std::string_view name : kNames) {
    for (const char* text : {"", " ", "\n", "a", "\t\t a1!é中😀\u0301\u3000\x01\xFF", "  \r\n  x  ",
                             "'''s 's ''ll", "~~ ~ |<>[]{}$^`", "١٢٣ Ⅷ ½"}) {
      pieces(name, text);  // checks coverage itself
    }
  }
}

TEST(PreTokenizer, AnUnknownNameIsUnsupported) {
  const Result<PreTokenizer> made = PreTokenizer::create("klingon");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::unsupported);
  EXPECT_NE(made.error().message.find("klingon"), std::string::npos);
}

TEST(PreTokenizer, ClassesAreSpelledOutInsideAndOutsideBrackets) {
  const std::string space = with_explicit_classes(R"(\s)");
  EXPECT_EQ(space.front(), '[');
  EXPECT_EQ(with_explicit_classes(R"([\[\s])"), R"([\[)" + space.substr(1));
  EXPECT_EQ(with_explicit_classes(R"(\S)"), "[^" + space.substr(1));
  EXPECT_EQ(with_explicit_classes(R"(a|\r[b])"), R"(a|\r[b])");
}

}  // namespace
}  // namespace sotto::text

// Separating reasoning from the answer, however the text is cut.
// SPDX-License-Identifier: Apache-2.0
#include "text/reasoning.h"

#include <gtest/gtest.h>

#include <string>

namespace sotto::text {
namespace {

// "reasoning|content" of a text that comes in pieces of `piece_bytes`.
std::string separated(std::string_view text, bool open, size_t piece_bytes) {
  ReasoningSplitter splitter(open);
  std::string reasoning;
  std::string content;
  const auto add = [&](const AnswerPiece& piece) {
    reasoning += piece.reasoning;
    content += piece.content;
  };
  for (size_t at = 0; at < text.size(); at += piece_bytes) {
    add(splitter.push(text.substr(at, piece_bytes)));
  }
  add(splitter.finish());
  return reasoning + "|" + content;
}

TEST(reasoning, is_separated_however_the_text_is_cut) {
  struct Case {
    const char* text;
    bool open;
    const char* expected;
  };
  const Case cases[] = {
      {"<think>\neasy\n</think>\n\n2", false, "easy\n|2"},
      {"easy\n</think>\n\n2", true, "easy\n|2"},
      {"\n easy</think>2", true, "easy|2"},
      {" \n<think>a</think>b", false, "a|b"},
      {"no tags at all", false, "|no tags at all"},
      {"  indented", false, "|  indented"},
      {"  ", false, "|  "},
      {"", false, "|"},
      {"", true, "|"},
      {"never closed", true, "never closed|"},
      {"<think></think>", false, "|"},
      {"</think>answer", true, "|answer"},
      {"<think>a <b> </thin </think>c <thin d", false, "a <b> </thin |c <thin d"},
      {"<think>a</think> b <think>c</think> d", false, "ac|b d"},
      {"a < b <t <th <thinking", false, "|a < b <t <th <thinking"},
      {"<think", false, "|<think"},
      {" <think", false, "| <think"},
      {"text </think", true, "text </think|"},
  };
  for (const Case& c : cases) {
    for (const size_t piece_bytes : {1, 2, 3, 5, 100}) {
      EXPECT_EQ(separated(c.text, c.open, piece_bytes), c.expected)
          << c.text << " in pieces of " << piece_bytes;
    }
  }
}

TEST(reasoning, text_that_cannot_be_a_tag_is_not_held_back) {
  ReasoningSplitter splitter(false);
  EXPECT_EQ(splitter.push("a").content, "a");
  EXPECT_EQ(splitter.push("b<").content, "b");
  EXPECT_EQ(splitter.push("c").content, "<c");
  EXPECT_EQ(splitter.push("<think>d").reasoning, "d");
  EXPECT_TRUE(splitter.thinking());
  EXPECT_EQ(splitter.push("</thi").reasoning, "");
  EXPECT_EQ(splitter.push("nk>e").content, "e");
  EXPECT_FALSE(splitter.thinking());
}

TEST(reasoning, a_prompt_opens_it_only_at_its_very_end) {
  EXPECT_TRUE(prompt_opens_reasoning("<｜Assistant｜><think>\n"));
  EXPECT_TRUE(prompt_opens_reasoning("<think>"));
  EXPECT_TRUE(prompt_closes_reasoning("<think>\n\n</think>\n\n"));
  EXPECT_FALSE(prompt_closes_reasoning("<think>\n"));
  EXPECT_FALSE(prompt_closes_reasoning(""));
  EXPECT_FALSE(prompt_opens_reasoning("<｜Assistant｜>"));
  EXPECT_FALSE(prompt_opens_reasoning("<think>\n\n</think>\n\n"));
  EXPECT_FALSE(prompt_opens_reasoning("what does <think> mean?<｜Assistant｜>"));
  EXPECT_FALSE(prompt_opens_reasoning(""));
  EXPECT_FALSE(prompt_opens_reasoning(" \n"));
}

}  // namespace
}  // namespace sotto::text

// Tests of turning tokens into text: stop strings, reasoning and characters over token borders.
// SPDX-License-Identifier: Apache-2.0
#include "engine/answer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "text/vocabulary_for_testing.h"

namespace sotto::engine {
namespace {

// Token 0 to 255 are the bytes.
const text::Tokenizer& tokenizer() {
  static const text::Tokenizer tokenizer = [] {
    auto made = text::Tokenizer::from_metadata(text::byte_level_vocabulary().metadata());
    CHECK(made.has_value());
    return std::move(*made);
  }();
  return tokenizer;
}

struct Text {
  std::string reasoning;
  std::string content;
  size_t tokens_read = 0;
};

// The bytes of `text` one token each, until the answer is stopped.
Text read(std::string_view text, const AnswerOptions& options) {
  Answer answer(tokenizer(), options);
  Text result;
  const auto add = [&](const text::AnswerPiece& piece) {
    result.reasoning += piece.reasoning;
    result.content += piece.content;
  };
  for (const char byte : text) {
    if (answer.stopped()) break;
    add(answer.push(static_cast<uint8_t>(byte)));
    ++result.tokens_read;
  }
  add(answer.finish());
  return result;
}

TEST(Answer, text_comes_out_as_it_was) {
  const Text text = read("grüß Gott, 世界", {});
  EXPECT_EQ(text.content, "grüß Gott, 世界");
  EXPECT_EQ(text.reasoning, "");
}

TEST(Answer, pieces_are_whole_characters) {
  Answer answer(tokenizer(), {});
  EXPECT_EQ(answer.push(0xE4).content, "");
  EXPECT_EQ(answer.push(0xB8).content, "");
  EXPECT_EQ(answer.push(0x96).content, "世");
}

TEST(Answer, stop_string_ends_it_across_token_borders) {
  const Text text = read("one two STOP three", {.stop_strings = {"never", "STOP"}});
  EXPECT_EQ(text.content, "one two ");
  EXPECT_EQ(text.tokens_read, std::string_view("one two STOP").size());
}

TEST(Answer, half_a_stop_string_at_the_end_is_text) {
  EXPECT_EQ(read("one STO", {.stop_strings = {"STOP"}}).content, "one STO");
}

TEST(Answer, nothing_comes_after_a_stop_string) {
  Answer answer(tokenizer(), {.stop_strings = {"b"}});
  EXPECT_EQ(answer.push('a').content, "a");
  EXPECT_EQ(answer.push('b').content, "");
  EXPECT_TRUE(answer.stopped());
  EXPECT_EQ(answer.push('c').content, "");
  const text::AnswerPiece rest = answer.finish();
  EXPECT_EQ(rest.content, "");
  EXPECT_EQ(rest.reasoning, "");
}

TEST(Answer, reasoning_is_set_apart) {
  const Text text = read("<think>\nhm</think>\n\nyes", {});
  EXPECT_EQ(text.content, "yes");
  EXPECT_NE(text.reasoning.find("hm"), std::string::npos);
  EXPECT_EQ(text.reasoning.find("think"), std::string::npos);
}

TEST(Answer, reasoning_may_have_been_opened_by_the_prompt) {
  const Text text = read("hm</think>yes", {.reasoning_is_open = true});
  EXPECT_EQ(text.reasoning, "hm");
  EXPECT_EQ(text.content, "yes");
}

TEST(Answer, reasoning_can_be_left_where_it_is) {
  const Text text = read("<think>hm</think>yes", {.split_reasoning = false});
  EXPECT_EQ(text.reasoning, "");
  EXPECT_EQ(text.content, "<think>hm</think>yes");
}

TEST(Answer, stop_string_is_found_in_the_reasoning_and_its_tags_too) {
  EXPECT_EQ(read("<think>hm STOP</think>yes", {.stop_strings = {"STOP"}}).content, "");
  const Text text = read("<think>hm</think>yes", {.stop_strings = {"</think>"}});
  EXPECT_EQ(text.reasoning, "hm");
  EXPECT_EQ(text.content, "");
}

TEST(Answer, unfinished_character_at_the_end_is_replaced) {
  EXPECT_EQ(read("a\xE4\xB8", {}).content, "a\xEF\xBF\xBD");
}

}  // namespace
}  // namespace sotto::engine

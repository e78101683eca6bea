// Tests for what reaches a terminal and what reaches a file.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/terminal.h"

#include <gtest/gtest.h>

namespace sotto::cmd {
namespace {

// What a printer writes to a file: no terminal, no colours.
std::string printed(bool show_reasoning, std::initializer_list<text::AnswerPiece> pieces) {
  std::FILE* file = std::tmpfile();
  AnswerPrinter printer(file, show_reasoning);
  for (const text::AnswerPiece& piece : pieces) printer.print(piece);
  printer.finish();
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

TEST(Printable, leaves_text_lines_and_tabs) {
  EXPECT_EQ(printable("a\tb\nc é 你 🙂"), "a\tb\nc é 你 🙂");
}

TEST(Printable, shows_escape_sequences_instead_of_sending_them) {
  EXPECT_EQ(printable("\x1b[31mred\x1b]0;title\x07"), "␛[31mred␛]0;title␇");
  EXPECT_EQ(printable("over\rwritten\b"), "over␍written␈");
  EXPECT_EQ(printable(std::string_view("\0\x7f", 2)), "␀␡");
}

TEST(Printable, drops_the_eight_bit_controls) {
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\uFFFD31m");
  EXPECT_EQ(printable("\xC2\xA0"), "\xC2\xA0");  // a no-break space is no control
}

TEST(Printable, leaves_no_control_of_any_kind) {
  for (int code = 0; code < 0xA0; ++code) {
    std::string text;
    if (code < 0x80) {
      text = static_cast<char>(code);
    } else {
      text = {'\xC2', static_cast<char>(code)};
    }
    for (const char byte : printable(text)) {
      const uint8_t value = static_cast<uint8_t>(byte);
      EXPECT_TRUE(value == '\n' || value == '\t' || (value >= 0x20 && value != 0x7F)) << code;
    }
    EXPECT_EQ(printable(text).find("\xC2"), std::string::npos) << code;
  }
}

TEST(FormatBytes, uses_the_unit_that_fits) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(999), "999 bytes");
  EXPECT_EQ(format_bytes(1500), "1.5 kB");
  EXPECT_EQ(format_bytes(3'900'000), "3.9 MB");
  EXPECT_EQ(format_bytes(1'114'000'000), "1.11 GB");
}

TEST(AnswerPrinter, file_gets_only_the_answer_and_a_last_line_end) {
  EXPECT_EQ(printed(false, {{"thinking", ""}, {"", "an "}, {"", "answer"}}), "an answer\n");
  EXPECT_EQ(printed(false, {{"", "a line\n"}}), "a line\n");
}

TEST(AnswerPrinter, file_gets_the_reasoning_between_tags_when_asked) {
  EXPECT_EQ(printed(true, {{"think", ""}, {"ing", "so"}}), "<think>\nthinking\n</think>\n\nso\n");
}

TEST(AnswerPrinter, reasoning_without_an_answer_is_closed) {
  EXPECT_EQ(printed(true, {{"cut off", ""}}), "<think>\ncut off\n</think>\n\n");
}

TEST(AnswerPrinter, empty_answer_is_empty) {
  EXPECT_EQ(printed(true, {}), "");
}

TEST(AnswerPrinter, file_gets_control_characters_as_they_are) {
  EXPECT_EQ(printed(false, {{"", "\x1b[0m\n"}}), "\x1b[0m\n");
}

}  // namespace
}  // namespace sotto::cmd

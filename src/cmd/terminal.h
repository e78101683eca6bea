// Writing an answer for a person to read: what a model says must not drive the terminal.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/progress.h"
#include "base/result.h"
#include "text/reasoning.h"

namespace sotto::cmd {

bool is_terminal(std::FILE* stream);

// Whether to colour what goes to this stream: a terminal, not a dumb one, and NO_COLOR unset.
bool colours_wanted(std::FILE* stream);

// `text` (valid UTF-8) with everything that a terminal would act on made visible instead: control
// characters other than line feed and tab become their pictures (␛), C1 controls U+FFFD.
std::string printable(std::string_view text);

// "1.11 GB", "3.9 MB", "512 bytes"
std::string format_bytes(uint64_t bytes);

// Dim when `stream` shows colours, else as it is.
void print_dim(std::FILE* stream, std::string_view text);

// A line on standard error with the share that is done, for work counted in steps; shown only on a
// terminal and when the work takes over a second, erased at the end.
Progress step_progress(std::string what);

// Everything on standard input; `exhausted` beyond `bytes_max`.
Result<std::string> read_standard_input(uint64_t bytes_max);

// How an answer's reasoning and content go to a stream as they come.
class AnswerPrinter {
 public:
  // Reasoning is dim where there are colours, between <think> tags where there are none. For a
  // terminal the text is made printable; for a file or a pipe it stays as the model said it.
  AnswerPrinter(std::FILE* stream, bool show_reasoning);

  void print(const text::AnswerPiece& piece);
  // Ends the last line if it is open.
  void finish();

 private:
  void write(std::string_view text);
  void open_reasoning();
  void close_reasoning();

  std::FILE* stream_;
  bool show_reasoning_;
  bool terminal_;
  bool colours_;
  bool in_reasoning_ = false;
  bool in_line_ = false;
};

}  // namespace sotto::cmd

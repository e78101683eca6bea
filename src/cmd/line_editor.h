// A line of input with editing and history, on a terminal.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <histedit.h>

#include <string>

#include "cmd/interrupts.h"

namespace sotto::cmd {

// What ended the reading of a line.
enum class LineEnd {
  entered,
  interrupted,  // Ctrl-C; the text is what stood there
  closed,       // Ctrl-D on an empty line, or the terminal is gone
};

struct Line {
  LineEnd end;
  std::string text;  // without the line feed
};

// Standard input must be a terminal. History is kept in memory only. One at a time.
class LineEditor {
 public:
  explicit LineEditor(Interrupts& interrupts);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  Line read(const char* prompt);

 private:
  static int read_character(EditLine* editor, wchar_t* character);
  static char* prompt_of(EditLine* editor);

  Interrupts& interrupts_;
  const char* prompt_ = "";
  EditLine* editor_;
  History* history_;
  bool interrupted_ = false;
  std::string interrupted_text_;
};

}  // namespace sotto::cmd

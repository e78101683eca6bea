// libedit, reading through poll() so that a Ctrl-C is never missed and never fatal.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/line_editor.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>

#include "base/check.h"

namespace sotto::cmd {
namespace {

constexpr int kHistoryLines = 1000;

// libedit decodes what is typed by the locale. Without one a terminal of today still means UTF-8.
void set_character_locale() {
  if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) {
    std::setlocale(LC_CTYPE, "C.UTF-8");
  }
}

LineEditor* owner(EditLine* editor) {
  void* data = nullptr;
  el_get(editor, EL_CLIENTDATA, &data);
  return static_cast<LineEditor*>(data);
}

}  // namespace

LineEditor::LineEditor(Interrupts& interrupts) : interrupts_(interrupts) {
  set_character_locale();
  editor_ = el_init("sotto", stdin, stdout, stderr);
  history_ = history_init();
  CHECK(editor_ != nullptr && history_ != nullptr);
  HistEvent event;
  history(history_, &event, H_SETSIZE, kHistoryLines);
  history(history_, &event, H_SETUNIQUE, 1);
  el_set(editor_, EL_CLIENTDATA, this);
  el_set(editor_, EL_EDITOR, "emacs");
  el_set(editor_, EL_SIGNAL, 0);
  el_set(editor_, EL_HIST, history, history_);
  el_set(editor_, EL_PROMPT, prompt_of);
  el_set(editor_, EL_GETCFN, read_character);
  el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

LineEditor::~LineEditor() {
  history_end(history_);
  el_end(editor_);
}

char* LineEditor::prompt_of(EditLine* editor) {
  return const_cast<char*>(owner(editor)->prompt_);  // libedit's signature; it does not write to it
}

int LineEditor::read_character(EditLine* editor, wchar_t* character) {
  LineEditor& self = *owner(editor);
  std::mbstate_t state{};
  for (;;) {
    pollfd events[] = {{STDIN_FILENO, POLLIN, 0}, {self.interrupts_.fd(), POLLIN, 0}};
    if (poll(events, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    if (events[1].revents != 0) {
      self.interrupts_.take();
      self.interrupted_ = true;
      const LineInfo* line = el_line(editor);  // libedit clears it before it returns
      self.interrupted_text_.assign(line->buffer, line->lastchar);
      return -1;
    }
    char byte = 0;
    const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
    if (count <= 0) return static_cast<int>(count);
    const size_t used = std::mbrtowc(character, &byte, 1, &state);
    if (used == static_cast<size_t>(-2)) continue;  // more bytes of this character are to come
    if (used != static_cast<size_t>(-1)) return 1;  // 0 is a NUL, which is a character too
    state = {};                                     // not UTF-8: the byte is dropped
  }
}

Line LineEditor::read(const char* prompt) {
  prompt_ = prompt;
  interrupts_.take();
  interrupted_ = false;
  el_resize(editor_);
  int length = 0;
  const char* text = el_gets(editor_, &length);
  if (interrupted_) {
    el_reset(editor_);
    std::fputs("^C\n", stdout);
    std::fflush(stdout);
    return {LineEnd::interrupted, interrupted_text_};
  }
  if (text == nullptr || length <= 0) return {LineEnd::closed, {}};
  Line line{LineEnd::entered, std::string(text, static_cast<size_t>(length))};
  while (line.text.ends_with('\n') || line.text.ends_with('\r')) line.text.pop_back();
  if (!line.text.empty()) {
    HistEvent event;
    history(history_, &event, H_ENTER, line.text.c_str());
  }
  return line;
}

}  // namespace sotto::cmd

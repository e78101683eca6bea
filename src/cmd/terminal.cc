// Terminals: what they are sent, and what is read from standard input where there is none.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <utility>

namespace sotto::cmd {
namespace {

constexpr const char* kDim = "\033[2m";
constexpr const char* kPlain = "\033[0m";

// U+2400 + code is the picture of a C0 control; delete has its own after them.
std::string control_picture(uint8_t code) {
  const uint8_t index = code == 0x7F ? 0x21 : code;
  return {'\xE2', '\x90', static_cast<char>(0x80 + index)};
}

}  // namespace

bool is_terminal(std::FILE* stream) {
  return isatty(fileno(stream)) == 1;
}

bool colours_wanted(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool refused = no_color != nullptr && *no_color != '\0';
  return is_terminal(stream) && !refused && term != nullptr && std::string_view(term) != "dumb";
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    const uint8_t byte = static_cast<uint8_t>(text[at]);
    const uint8_t next = at + 1 < text.size() ? static_cast<uint8_t>(text[at + 1]) : 0;
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
      out += control_picture(byte);
    } else if (byte == 0xC2 && next >= 0x80 && next <= 0x9F) {  // C1 in UTF-8
      out += "\xEF\xBF\xBD";
      ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

std::string format_bytes(uint64_t bytes) {
  const double amount = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return fmt::format("{:.2f} GB", amount / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.1f} MB", amount / 1e6);
  if (bytes >= 1'000) return fmt::format("{:.1f} kB", amount / 1e3);
  return fmt::format("{} bytes", bytes);
}

void print_dim(std::FILE* stream, std::string_view text) {
  if (colours_wanted(stream)) {
    fmt::print(stream, "{}{}{}", kDim, text, kPlain);
  } else {
    fmt::print(stream, "{}", text);
  }
  std::fflush(stream);
}

Progress step_progress(std::string what) {
  using Clock = std::chrono::steady_clock;
  if (!is_terminal(stderr)) return {};
  return [what = std::move(what), start = Clock::now(), drawn = Clock::time_point(),
          visible = false](uint64_t done, uint64_t total) mutable {
    const Clock::time_point now = Clock::now();
    const bool over = done >= total;
    if (over && visible) fmt::print(stderr, "\r\033[K");
    if (over || now - start < std::chrono::seconds(1)) return;
    if (now - drawn < std::chrono::milliseconds(100)) return;
    visible = true;
    drawn = now;
    fmt::print(stderr, "\r\033[K{}: {:.0f}%", what,
               100 * static_cast<double>(done) / static_cast<double>(total));
    std::fflush(stderr);
  };
}

Result<std::string> read_standard_input(uint64_t bytes_max) {
  std::string text;
  char buffer[64 << 10];
  while (const size_t count = std::fread(buffer, 1, sizeof(buffer), stdin)) {
    text.append(buffer, count);
    if (text.size() > bytes_max) {
      return fail(ErrorKind::exhausted, "standard input is longer than {} bytes", bytes_max);
    }
  }
  if (std::ferror(stdin) != 0) {
    return fail(ErrorKind::unavailable, "standard input cannot be read");
  }
  return text;
}

AnswerPrinter::AnswerPrinter(std::FILE* stream, bool show_reasoning)
    : stream_(stream),
      show_reasoning_(show_reasoning),
      terminal_(is_terminal(stream)),
      colours_(colours_wanted(stream)) {}

void AnswerPrinter::print(const text::AnswerPiece& piece) {
  if (show_reasoning_ && !piece.reasoning.empty()) {
    if (!in_reasoning_) open_reasoning();
    write(piece.reasoning);
  }
  if (!piece.content.empty()) {
    if (in_reasoning_) close_reasoning();
    write(piece.content);
  }
  std::fflush(stream_);
}

void AnswerPrinter::finish() {
  if (in_reasoning_) close_reasoning();
  if (in_line_) write("\n");
  std::fflush(stream_);
}

void AnswerPrinter::write(std::string_view text) {
  const std::string shown = terminal_ ? printable(text) : std::string(text);
  std::fwrite(shown.data(), 1, shown.size(), stream_);
  if (!shown.empty()) in_line_ = shown.back() != '\n';
}

void AnswerPrinter::open_reasoning() {
  in_reasoning_ = true;
  std::fputs(colours_ ? kDim : "<think>\n", stream_);
}

void AnswerPrinter::close_reasoning() {
  in_reasoning_ = false;
  if (in_line_) write("\n");
  std::fputs(colours_ ? kPlain : "</think>", stream_);
  std::fputs(colours_ ? "\n" : "\n\n", stream_);
}

}  // namespace sotto::cmd

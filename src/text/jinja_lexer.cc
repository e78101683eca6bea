// Tokens of a Jinja2 template: text, tags and what stands inside them.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_lexer.h"

#include <algorithm>

#include "text/jinja_text.h"
#include "text/unicode_table.h"
#include "text/utf8.h"

namespace sotto::text::jinja {

namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_decimal(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_part(char c) {
  return is_name_start(c) || is_decimal(c);
}

// CRLF and CR become LF; one LF at the end goes.
std::string normalize(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    const bool is_return = source[i] == '\r';
    if (is_return && i + 1 < source.size() && source[i + 1] == '\n') ++i;
    out.push_back(is_return ? '\n' : source[i]);
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize(source)) {}

  Result<std::vector<Token>> run() {
    while (position_ < source_.size()) TRY(read_text());
    add(Token::Kind::end, "");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(position_); }
  bool at(std::string_view text) const { return rest().starts_with(text); }
  char peek(size_t ahead = 0) const {
    return position_ + ahead < source_.size() ? source_[position_ + ahead] : '\0';
  }

  void add(Token::Kind kind, std::string text) {
    tokens_.push_back({kind, line_, std::move(text)});
  }

  void advance(size_t count) {
    const std::string_view passed = rest().substr(0, count);
    line_ += static_cast<uint32_t>(std::count(passed.begin(), passed.end(), '\n'));
    position_ += count;
  }

  // How many bytes of white space stand at `offset`.
  size_t space_length(size_t offset) const {
    size_t end = offset;
    while (end < source_.size()) {
      size_t next = end;
      if (!is_space(Text::next_code_point(source_, next))) break;
      end = next;
    }
    return end - offset;
  }

  // The text before a tag, without the white space that the tag's sign or lstrip_blocks removes.
  std::string_view stripped(std::string_view text, char sign, bool is_print) const {
    if (sign == '-') {
      size_t keep = 0;
      for (size_t i = 0; i < text.size();) {
        if (!is_space(Text::next_code_point(text, i))) keep = i;
      }
      return text.substr(0, keep);
    }
    if (sign == '+' || is_print) return text;
    const size_t newline = text.rfind('\n');
    if (newline == text.npos && !line_starting_) return text;
    const size_t line = newline == text.npos ? 0 : newline + 1;
    for (size_t i = line; i < text.size();) {
      if (!is_space(Text::next_code_point(text, i))) return text;
    }
    return text.substr(0, line);
  }

  void emit_text(std::string_view text) {
    if (!text.empty()) add(Token::Kind::text, std::string(text));
  }

  // The sign after an opening delimiter, or a space.
  static char sign_of(char c) { return c == '-' || c == '+' ? c : ' '; }

  Result<void> read_text() {
    size_t tag = source_.find('{', position_);
    while (tag != source_.npos &&
           (tag + 1 >= source_.size() || !std::string_view("%{#").contains(source_[tag + 1]))) {
      tag = source_.find('{', tag + 1);
    }
    if (tag == source_.npos) {
      emit_text(rest());
      advance(rest().size());
      return {};
    }
    const char kind = source_[tag + 1];
    const char sign = sign_of(tag + 2 < source_.size() ? source_[tag + 2] : ' ');
    emit_text(stripped(rest().substr(0, tag - position_), sign, kind == '{'));
    advance(tag - position_);
    const size_t opening = sign == ' ' ? 2 : 3;
    if (kind == '#') return read_comment(opening);
    if (kind == '%') {
      if (const size_t length = raw_tag_length(position_, "raw")) return read_raw(length);
    }
    add(kind == '{' ? Token::Kind::print_begin : Token::Kind::tag_begin, "");
    advance(opening);
    return read_tag(kind == '{');
  }

  // Whether "%}" or "}}" (by `delimiter`), perhaps signed, stands at `offset`: how many bytes of it
  // and of the white space it takes along; 0 if not.
  size_t closing_length(size_t offset, std::string_view delimiter, bool trims, bool plus) const {
    const std::string_view text = std::string_view(source_).substr(offset);
    if (text.starts_with('-') && text.substr(1).starts_with(delimiter)) {
      const size_t length = 1 + delimiter.size();
      return length + space_length(offset + length);
    }
    if (plus && text.starts_with('+') && text.substr(1).starts_with(delimiter)) {
      return 1 + delimiter.size();
    }
    if (!text.starts_with(delimiter)) return 0;
    const bool newline = trims && text.substr(delimiter.size()).starts_with('\n');
    return delimiter.size() + (newline ? 1 : 0);
  }

  void close(size_t length) {
    advance(length);
    line_starting_ = source_[position_ - 1] == '\n';
  }

  Result<void> read_comment(size_t opening) {
    const uint32_t line = line_;
    advance(opening);
    const size_t end = source_.find("#}", position_);
    if (end == source_.npos) {
      return fail(ErrorKind::malformed, "line {}: comment without an end", line);
    }
    const bool is_signed = end > position_ && sign_of(source_[end - 1]) != ' ';
    const size_t begin = is_signed ? end - 1 : end;
    advance(begin - position_);
    close(closing_length(begin, "#}", true, true));
    return {};
  }

  // The length of {% raw %} or {% endraw %} at `offset`, with what it trims; 0 if it is not one.
  size_t raw_tag_length(size_t offset, std::string_view name) const {
    const std::string_view text = source_;
    size_t at = offset + 2;
    if (at < text.size() && sign_of(text[at]) != ' ') ++at;
    at += space_length(at);
    if (!text.substr(std::min(at, text.size())).starts_with(name)) return 0;
    at += name.size();
    at += space_length(at);
    const bool is_end = name == "endraw";
    const size_t closing = closing_length(at, "%}", is_end, is_end);
    return closing == 0 ? 0 : at + closing - offset;
  }

  Result<void> read_raw(size_t length) {
    const uint32_t line = line_;
    close(length);
    for (size_t tag = position_; (tag = source_.find("{%", tag)) != source_.npos; ++tag) {
      const size_t end = raw_tag_length(tag, "endraw");
      if (end == 0) continue;
      const char sign = sign_of(tag + 2 < source_.size() ? source_[tag + 2] : ' ');
      emit_text(stripped(rest().substr(0, tag - position_), sign, false));
      advance(tag - position_);
      close(end);
      return {};
    }
    return fail(ErrorKind::malformed, "line {}: raw without endraw", line);
  }

  Result<void> read_tag(bool is_print) {
    const uint32_t line = line_;
    while (true) {
      advance(space_length(position_));
      if (position_ >= source_.size()) {
        return fail(ErrorKind::malformed, "line {}: tag without an end", line);
      }
      if (brackets_.empty()) {
        const size_t length = is_print ? closing_length(position_, "}}", false, false)
                                       : closing_length(position_, "%}", true, true);
        if (length != 0) {
          add(is_print ? Token::Kind::print_end : Token::Kind::tag_end, "");
          close(length);
          return {};
        }
      }
      TRY(read_token());
    }
  }

  Result<void> read_token() {
    const char c = peek();
    if (is_decimal(c)) return read_number();
    if (is_name_start(c)) {
      size_t end = 1;
      while (is_name_part(peek(end))) ++end;
      if (end > kNameBytesMax) {
        return fail(ErrorKind::exhausted, "line {}: a name of over {} bytes", line_, kNameBytesMax);
      }
      add(Token::Kind::name, std::string(rest().substr(0, end)));
      advance(end);
      return {};
    }
    if (c == '"' || c == '\'') return read_string();
    return read_symbol();
  }

  // Digits with single underscores between them, from `offset` on.
  size_t digits_length(size_t offset) const {
    size_t end = offset;
    while (is_decimal(peek(end)) ||
           (end > offset && peek(end) == '_' && is_decimal(peek(end + 1)))) {
      ++end;
    }
    return end - offset;
  }

  Result<void> read_number() {
    const bool after_dot = position_ > 0 && source_[position_ - 1] == '.';
    size_t length = digits_length(0);
    bool is_real = false;
    if (!after_dot) {
      size_t end = length;
      if (peek(end) == '.' && is_decimal(peek(end + 1))) {
        end += 1 + digits_length(end + 1);
        is_real = true;
      }
      const size_t sign = peek(end + 1) == '+' || peek(end + 1) == '-' ? 1 : 0;
      if ((peek(end) == 'e' || peek(end) == 'E') && is_decimal(peek(end + 1 + sign))) {
        end += 1 + sign + digits_length(end + 1 + sign);
        is_real = true;
      }
      if (is_real) length = end;
    }
    if (!is_real && peek() == '0' && std::string_view("xXoObB").contains(peek(1))) {
      length = 2;
      while (is_name_part(peek(length))) ++length;
    }
    std::string digits(rest().substr(0, length));
    std::erase(digits, '_');
    add(is_real ? Token::Kind::real : Token::Kind::integer, std::move(digits));
    advance(length);
    return {};
  }

  Result<void> read_symbol() {
    static constexpr std::string_view kSymbols[] = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    for (const std::string_view symbol : kSymbols) {
      if (!at(symbol)) continue;
      TRY(balance(symbol[0]));
      add(Token::Kind::symbol, std::string(symbol));
      advance(symbol.size());
      return {};
    }
    return fail(ErrorKind::malformed, "line {}: unexpected character in a tag", line_);
  }

  Result<void> balance(char c) {
    if (c == '(' || c == '[' || c == '{') {
      brackets_.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    } else if (c == ')' || c == ']' || c == '}') {
      if (brackets_.empty() || brackets_.back() != c) {
        return fail(ErrorKind::malformed, "line {}: unexpected '{}'", line_, c);
      }
      brackets_.pop_back();
    }
    return {};
  }

  Result<void> read_string();
  Result<void> read_escape(std::string& out);

  const std::string source_;
  size_t position_ = 0;
  uint32_t line_ = 1;
  bool line_starting_ = true;  // whether the last tag took along a newline
  std::string brackets_;       // the closing ones that are due
  std::vector<Token> tokens_;
};

Result<void> Lexer::read_string() {
  const char quote = peek();
  const uint32_t line = line_;
  std::string out;
  advance(1);
  while (position_ < source_.size() && peek() != quote) {
    if (peek() == '\\') {
      TRY(read_escape(out));
    } else {
      out.push_back(peek());
      advance(1);
    }
  }
  if (position_ >= source_.size()) {
    return fail(ErrorKind::malformed, "line {}: string without an end", line);
  }
  advance(1);
  tokens_.push_back({Token::Kind::string, line, std::move(out)});
  return {};
}

// Python's escapes; unknown ones stand for themselves.
Result<void> Lexer::read_escape(std::string& out) {
  static constexpr std::string_view kLetters = "abfnrtv\\'\"";
  static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
  const char kind = peek(1);
  if (const size_t letter = kLetters.find(kind); kind != '\0' && letter != kLetters.npos) {
    out.push_back(kMeanings[letter]);
    advance(2);
    return {};
  }
  if (kind == '\n') {
    advance(2);
    return {};
  }
  const size_t hex_digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  const bool is_octal = kind >= '0' && kind <= '7';
  if (kind == 'N') return fail(ErrorKind::unsupported, "line {}: \\N in a string", line_);
  if (hex_digits == 0 && !is_octal) {
    out.push_back('\\');
    advance(1);
    return {};
  }
  const uint32_t base = is_octal ? 8 : 16;
  const size_t first = is_octal ? 1 : 2;
  const size_t digits_max = is_octal ? 3 : hex_digits;
  uint64_t code_point = 0;
  size_t count = 0;
  for (; count < digits_max; ++count) {
    const char c = peek(first + count);
    const uint32_t digit = is_decimal(c)          ? static_cast<uint32_t>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<uint32_t>(c - 'a' + 10)
                           : c >= 'A' && c <= 'F' ? static_cast<uint32_t>(c - 'A' + 10)
                                                  : base;
    if (digit >= base) break;
    code_point = code_point * base + digit;
  }
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if ((!is_octal && count < digits_max) || surrogate || code_point > 0x10ffff) {
    return fail(ErrorKind::malformed, "line {}: bad \\{} escape in a string", line_, kind);
  }
  append_utf8(out, static_cast<uint32_t>(code_point));
  advance(first + count);
  return {};
}

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  return Lexer(source).run();
}

}  // namespace sotto::text::jinja

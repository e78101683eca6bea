// Reading GBNF, the notation for grammars that llama.cpp made known.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "text/grammar.h"
#include "text/scanner.h"
#include "text/utf8.h"

namespace sotto::text {

namespace {

constexpr size_t kRulesMax = 4096;
constexpr size_t kNestingMax = 64;
constexpr size_t kTimesMax = 8;  // repetitions of one part, one behind the other
constexpr uint32_t kRepeatMax = 1 << 16;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class Parser : private Scanner {
 public:
  using Scanner::Scanner;

  Result<Rules> run() {
    number_of("root");
    for (skip(true); at_ < text_.size(); skip(true)) TRY(parse_rule());
    for (const auto& [name, number] : numbers_) {
      if (!defined_[number]) return fail(ErrorKind::malformed, "there is no rule '{}'", name);
    }
    return std::move(rules_);
  }

 private:
  std::unexpected<Error> wrong(std::string_view what) const {
    const std::string_view before = text_.substr(0, at_);
    const size_t line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
    const size_t column = at_ - (before.rfind('\n') + 1) + 1;
    return fail(ErrorKind::malformed, "line {}, column {}: {}", line, column, what);
  }

  // White space and comments; over the ends of lines where that is allowed.
  void skip(bool lines) {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  // Between two parts: an end of line ends a rule, unless a group is open or '|' follows.
  void skip_between(size_t depth) {
    skip(depth > 0);
    const size_t here = at_;
    skip(true);
    if (peek() != '|') at_ = here;
  }

  std::string_view take_name() {
    const size_t begin = at_;
    while (is_name(peek())) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  uint32_t number_of(std::string_view name) {
    const auto [known, is_new] =
        numbers_.try_emplace(std::string(name), static_cast<uint32_t>(rules_.size()));
    if (is_new) {
      rules_.emplace_back();
      defined_.push_back(false);
    }
    return known->second;
  }

  Result<void> parse_rule() {
    const std::string_view name = take_name();
    if (name.empty()) return wrong("a rule's name is missing");
    skip(false);
    if (!take("::=")) return wrong("'::=' is missing");
    skip(true);
    if (numbers_.size() > kRulesMax) return wrong("there are too many rules");
    const uint32_t number = number_of(name);
    if (defined_[number]) return wrong("this rule is there already");
    defined_[number] = true;
    Expression body = TRY(parse_choice(0));
    rules_[number] = std::move(body);
    if (at_ < text_.size() && peek() != '\n' && peek() != '\r') return wrong("this has no meaning");
    return {};
  }

  Result<Expression> parse_choice(size_t depth) {
    if (depth > kNestingMax) return wrong("groups are nested too deeply");
    std::vector<Expression> ways;
    ways.push_back(TRY(parse_sequence(depth)));
    while (take("|")) {
      skip(true);
      ways.push_back(TRY(parse_sequence(depth)));
    }
    return choice(std::move(ways));
  }

  Result<Expression> parse_sequence(size_t depth) {
    std::vector<Expression> parts;
    for (;;) {
      std::optional<Expression> part = TRY(parse_part(depth));
      if (!part) break;
      parts.push_back(TRY(parse_times(std::move(*part))));
      skip_between(depth);
    }
    return sequence(std::move(parts));
  }

  Result<std::optional<Expression>> parse_part(size_t depth) {
    const char c = peek();
    if (c == '"') return TRY(parse_literal());
    if (c == '[') return TRY(parse_class());
    if (c == '.') {
      ++at_;
      return all_characters_but({});
    }
    if (c == '(') {
      ++at_;
      skip(true);
      Expression group = TRY(parse_choice(depth + 1));
      skip(true);
      if (!take(")")) return wrong("')' is missing");
      return group;
    }
    if (!is_name(c)) return std::nullopt;
    const std::string_view name = take_name();
    return rule(number_of(name));
  }

  Result<Expression> parse_times(Expression part) {
    for (size_t times = 0;; ++times) {
      if (times > kTimesMax) return wrong("there are too many repetitions");
      if (take("*")) {
        part = repeat(std::move(part), 0, kUnbounded);
      } else if (take("+")) {
        part = repeat(std::move(part), 1, kUnbounded);
      } else if (take("?")) {
        part = optional(std::move(part));
      } else if (take("{")) {
        const uint32_t least = TRY(parse_number());
        uint32_t most = least;
        if (take(",")) most = peek() == '}' ? kUnbounded : TRY(parse_number());
        if (!take("}")) return wrong("'}' is missing");
        if (most < least) return wrong("the most is less than the least");
        part = repeat(std::move(part), least, most);
      } else {
        return part;
      }
    }
  }

  Result<uint32_t> parse_number() {
    skip(false);
    const std::optional<uint32_t> number = take_number(kRepeatMax);
    if (!number) return wrong("a number is missing, or too large");
    skip(false);
    return *number;
  }

  Result<Expression> parse_literal() {
    ++at_;
    std::string text;
    while (peek() != '"') {
      if (at_end()) return wrong("'\"' is missing");
      append_utf8(text, TRY(parse_character()));
    }
    ++at_;
    return literal(std::move(text));
  }

  Result<Expression> parse_class() {
    ++at_;
    const bool negated = take("^");
    std::vector<CharacterRange> ranges;
    while (peek() != ']') {
      if (at_end()) return wrong("']' is missing");
      const char32_t first = TRY(parse_character());
      char32_t last = first;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        last = TRY(parse_character());
      }
      if (last < first) return wrong("a range's end comes before its beginning");
      ranges.emplace_back(first, last);
    }
    ++at_;
    return negated ? all_characters_but(std::move(ranges)) : characters(std::move(ranges));
  }

  // One code point, which may be written as an escape.
  Result<char32_t> parse_character() {
    if (!take("\\")) {
      const std::optional<char32_t> character = take_character();
      if (!character) return wrong("this is not UTF-8");
      return *character;
    }
    const char c = peek();
    if (at_end()) return wrong("an escape is not finished");
    ++at_;
    switch (c) {
      case 'n':
        return U'\n';
      case 't':
        return U'\t';
      case 'r':
        return U'\r';
      case 'x':
        return parse_hex(2);
      case 'u':
        return parse_hex(4);
      case 'U':
        return parse_hex(8);
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return static_cast<char32_t>(c);
      default:
        return wrong("this escape is not known");
    }
  }

  Result<char32_t> parse_hex(size_t digits) {
    const std::optional<char32_t> character = take_hex(digits);
    if (!character) return wrong("this is not a character of so many hexadecimal digits");
    return *character;
  }

  Rules rules_;
  std::vector<bool> defined_;
  std::map<std::string, uint32_t> numbers_;
};

}  // namespace

Result<Rules> parse_gbnf(std::string_view text) {
  if (text.size() > kGrammarTextMax) {
    return fail(ErrorKind::exhausted, "a grammar of {} bytes; it can have {}", text.size(),
                kGrammarTextMax);
  }
  return Parser(text).run();
}

}  // namespace sotto::text

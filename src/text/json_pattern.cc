// Reading a regular expression.
// SPDX-License-Identifier: Apache-2.0
#include "text/json_pattern.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/scanner.h"

namespace sotto::text {

namespace {

constexpr size_t kPatternBytesMax = 4096;
constexpr size_t kNestingMax = 32;
constexpr uint32_t kRepeatMax = 1 << 16;

using Ranges = std::vector<CharacterRange>;

const Ranges kDigits = {{'0', '9'}};
const Ranges kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Ranges kSpace = {{'\t', '\r'},     {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
                       {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                       {0x3000, 0x3000}, {0xfeff, 0xfeff}};
const Ranges kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

Ranges all_but(const Ranges& ranges) {
  return all_characters_but(ranges).ranges;
}

// As JSON spells a character that is not itself in a string.
std::string escape_of(char32_t c) {
  const char byte = static_cast<char>(c);
  const std::string quoted = boost::json::serialize(boost::json::string_view(&byte, 1));
  return quoted.substr(1, quoted.size() - 2);
}

class Parser : private Scanner {
 public:
  using Scanner::Scanner;

  Result<Expression> run() {
    Expression all = TRY(parse_choice(0));
    if (at_ < text_.size()) return wrong("')' without '('");
    return all;
  }

 private:
  std::unexpected<Error> wrong(std::string_view what) const {
    return fail(ErrorKind::malformed, "the pattern is not a regular expression: {}", what);
  }
  static std::unexpected<Error> not_here(std::string_view what) {
    return fail(ErrorKind::unsupported, "{} in a pattern", what);
  }

  // Ways at the top may each be anchored; where one is not, anything may stand before or behind.
  Result<Expression> parse_choice(size_t depth) {
    if (depth > kNestingMax) return wrong("groups are nested too deeply");
    std::vector<Expression> ways;
    do {
      const bool begins = depth == 0 && take("^");
      Expression way = TRY(parse_sequence(depth));
      const bool ends = depth == 0 && take("$");
      const bool over = at_end() || peek() == '|' || peek() == ')';
      if (!over) return not_here("an anchor that is not at an end");
      if (depth == 0) {
        std::vector<Expression> parts;
        if (!begins) parts.push_back(json_text(0, kUnbounded));
        parts.push_back(std::move(way));
        if (!ends) parts.push_back(json_text(0, kUnbounded));
        way = sequence(std::move(parts));
      }
      ways.push_back(std::move(way));
    } while (take("|"));
    return choice(std::move(ways));
  }

  Result<Expression> parse_sequence(size_t depth) {
    std::vector<Expression> parts;
    while (at_ < text_.size() && peek() != '|' && peek() != ')' && peek() != '$') {
      Expression part = TRY(parse_part(depth));
      parts.push_back(TRY(parse_times(std::move(part))));
    }
    return sequence(std::move(parts));
  }

  Result<Expression> parse_part(size_t depth) {
    if (take("^")) return not_here("an anchor that is not at an end");
    if (take("(")) return parse_group(depth);
    if (take("[")) return parse_class();
    if (take(".")) return of(all_but(kLineEnds));
    if (take("\\")) return of(TRY(parse_escape(false)));
    if (peek() == '*' || peek() == '+' || peek() == '?') return wrong("nothing to repeat");
    const char32_t c = TRY(parse_character());
    return of({{c, c}});
  }

  Result<Expression> parse_group(size_t depth) {
    if (take("?")) {
      if (peek() == '=' || peek() == '!') return not_here("looking ahead");
      if (take("<")) {
        if (peek() == '=' || peek() == '!') return not_here("looking behind");
        at_ = std::min(text_.find('>', at_), text_.size());
        if (!take(">")) return wrong("a group's name does not end");
      } else if (!take(":")) {
        return not_here("a group of this kind");
      }
    }
    Expression group = TRY(parse_choice(depth + 1));
    if (!take(")")) return wrong("')' is missing");
    return group;
  }

  Result<Expression> parse_times(Expression part) {
    uint32_t least = 1, most = 1;
    if (take("*")) {
      least = 0, most = kUnbounded;
    } else if (take("+")) {
      most = kUnbounded;
    } else if (take("?")) {
      least = 0;
    } else if (take("{")) {
      least = TRY(parse_number());
      most = least;
      if (take(",")) most = peek() == '}' ? kUnbounded : TRY(parse_number());
      if (!take("}")) return wrong("'}' is missing");
      if (most < least) return wrong("the most is less than the least");
    } else {
      return part;
    }
    take("?");  // which text is found first makes no difference here
    return repeat(std::move(part), least, most);
  }

  Result<uint32_t> parse_number() {
    const std::optional<uint32_t> number = take_number(kRepeatMax);
    if (!number) return wrong("a number is missing, or too large");
    return *number;
  }

  Result<Expression> parse_class() {
    const bool negated = take("^");
    Ranges ranges;
    while (!take("]")) {
      if (at_end()) return wrong("']' is missing");
      Ranges low = TRY(parse_class_member());
      const bool range = peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      const bool single = low.size() == 1 && low[0].first == low[0].second;
      if (range && single) {
        ++at_;
        const Ranges high = TRY(parse_class_member());
        if (high.size() != 1 || high[0].first != high[0].second || high[0].first < low[0].first) {
          return wrong("a range that is none");
        }
        low[0].second = high[0].second;
      }
      ranges.insert(ranges.end(), low.begin(), low.end());
    }
    return of(negated ? all_but(ranges) : ranges);
  }

  Result<Ranges> parse_class_member() {
    if (take("\\")) return parse_escape(true);
    const char32_t c = TRY(parse_character());
    return Ranges{{c, c}};
  }

  Result<char32_t> parse_character() {
    const std::optional<char32_t> character = take_character();
    if (!character) return wrong("it is not UTF-8");
    return *character;
  }

  // What stands behind a backslash.
  Result<Ranges> parse_escape(bool in_class) {
    const char c = peek();
    if (at_end()) return wrong("an escape is not finished");
    ++at_;
    const auto one = [](char32_t code_point) { return Ranges{{code_point, code_point}}; };
    switch (c) {
      case 'd':
        return kDigits;
      case 'D':
        return all_but(kDigits);
      case 'w':
        return kWord;
      case 'W':
        return all_but(kWord);
      case 's':
        return kSpace;
      case 'S':
        return all_but(kSpace);
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case 'x':
        return one(TRY(parse_hex(2)));
      case 'u':
        return one(TRY(parse_hex(4)));
      case 'b':
        if (in_class) return one('\b');
        return not_here("a word's boundary");
      case 'B':
        return not_here("a word's boundary");
      case 'k':
      case 'p':
      case 'P':
        return not_here("an escape of this kind");
      default:
        break;
    }
    if (c == '0') return one(0);
    if (c >= '1' && c <= '9') return not_here("a reference back");
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter || static_cast<uint8_t>(c) >= 0x80) return wrong("an escape that is not known");
    return one(static_cast<char32_t>(c));
  }

  Result<char32_t> parse_hex(size_t digits) {
    const std::optional<char32_t> character = take_hex(digits);
    if (!character) return wrong("an escape that is no character");
    return *character;
  }

  static Expression of(const Ranges& ranges) { return json_characters(characters(ranges)); }
};

}  // namespace

Expression json_characters(const Expression& from) {
  Ranges plain;
  std::vector<Expression> ways;
  const auto add = [&](char32_t low, char32_t high) {
    if (low <= high) plain.emplace_back(low, high);
  };
  for (const auto& [low, high] : from.ranges) {
    char32_t next = low;
    for (const char32_t special : {U'"', U'\\'}) {
      if (special < next || special > high) continue;
      add(std::max<char32_t>(next, 0x20), special - 1);
      next = special + 1;
      ways.push_back(literal(escape_of(special)));
    }
    add(std::max<char32_t>(next, 0x20), high);
    for (char32_t c = low; c <= std::min<char32_t>(high, 0x1f); ++c) {
      ways.push_back(literal(escape_of(c)));
    }
  }
  if (!plain.empty() || ways.empty()) ways.push_back(characters(std::move(plain)));
  return choice(std::move(ways));
}

Expression json_text(uint32_t least, uint32_t most) {
  const auto one_of = [](const char* letters) {
    Ranges ranges;
    for (; *letters != '\0'; ++letters) {
      ranges.emplace_back(static_cast<char32_t>(*letters), static_cast<char32_t>(*letters));
    }
    return characters(std::move(ranges));
  };
  const Expression hex = characters({{'0', '9'}, {'A', 'F'}, {'a', 'f'}});
  const Expression not_d = characters({{'0', '9'}, {'A', 'C'}, {'E', 'F'}, {'a', 'c'}, {'e', 'f'}});
  Expression plain = all_characters_but({{0, 0x1f}, {'"', '"'}, {'\\', '\\'}});
  Expression unit = choice({sequence({not_d, repeat(hex, 3, 3)}),
                            sequence({one_of("dD"), characters({{'0', '7'}}), repeat(hex, 2, 2)})});
  Expression pair = sequence({one_of("dD"), one_of("89abAB"), repeat(hex, 2, 2), literal("\\u"),
                              one_of("dD"), one_of("cdefCDEF"), repeat(hex, 2, 2)});
  Expression escape =
      sequence({literal("\\"),
                choice({one_of("\"\\/bfnrt"),
                        sequence({literal("u"), choice({std::move(unit), std::move(pair)})})})});
  return repeat(choice({std::move(plain), std::move(escape)}), least, most);
}

Result<Expression> json_pattern(std::string_view pattern) {
  if (pattern.size() > kPatternBytesMax) {
    return fail(ErrorKind::exhausted, "a pattern has {} bytes; it can have {}", pattern.size(),
                kPatternBytesMax);
  }
  return Parser(pattern).run();
}

}  // namespace sotto::text

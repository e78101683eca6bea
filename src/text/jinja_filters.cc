// Filters of text and numbers, and the list of all filters.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_filters.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja_format.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_json.h"
#include "text/jinja_operators.h"
#include "text/jinja_strings.h"
#include "text/unicode_table.h"

namespace sotto::text::jinja {

namespace {

// soft_str: text stays as it is, all else is printed.
Result<Value> as_soft_text(Interpreter& interpreter, const Value& value) {
  if (as_text(value)) return value;
  return make_text(TRY(to_text(interpreter.budget(), value)));
}

Value like(const Value& original, Text text) {
  Value made = make_text(std::move(text));
  made.markup = original.markup;
  return made;
}

template <Result<Text> (*change)(Budget&, const Text&)>
Result<Value> case_filter(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("case", given, {}));
  const Value text = TRY(as_soft_text(interpreter, value));
  return like(text, TRY(change(interpreter.budget(), *as_text(text))));
}

Result<Text> filter_title(Budget& budget, const Text& text) {
  return title(budget, text, true);
}

Result<Value> trim(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("trim", given, {"chars"}));
  const Value text = TRY(as_soft_text(interpreter, value));
  const Text* chars = TRY(bound.optional_text(0));
  return like(text, TRY(strip(interpreter.budget(), *as_text(text), chars, Side::both)));
}

Result<Value> replace_filter(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("replace", given, {"old", "new", "count"}, 2));
  Budget& budget = interpreter.budget();
  const Text text = TRY(to_text(budget, value));
  const Text old = TRY(to_text(budget, *bound.get(0)));
  const Text replacement = TRY(to_text(budget, *bound.get(1)));
  const bool limited = bound.get(2) && !is_none(*bound.get(2));
  const int64_t count = limited ? TRY(bound.integer(2, -1)) : -1;
  return make_text(TRY(replace(budget, text, old, replacement, count)));
}

Result<Value> string(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("string", given, {}));
  return as_soft_text(interpreter, value);
}

Result<Value> safe(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("safe", given, {}));
  Value text = TRY(as_soft_text(interpreter, value));
  text.markup = true;
  return text;
}

template <bool force>
Result<Value> escape(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("escape", given, {}));
  Value text = TRY(as_soft_text(interpreter, value));
  if (text.markup && !force) return text;
  Value escaped = make_text(TRY(escape_html(interpreter.budget(), *as_text(text))));
  escaped.markup = true;
  return escaped;
}

Result<Value> format(Interpreter& interpreter, const Value& value, const Arguments& given) {
  Budget& budget = interpreter.budget();
  const Value text = TRY(as_soft_text(interpreter, value));
  if (!given.positional.empty() && !given.keyword.empty()) {
    return fail(ErrorKind::malformed, "format: positional and keyword arguments at the same time");
  }
  if (given.keyword.empty()) {
    const Value values = TRY(make_sequence(budget, given.positional, Sequence::Flavour::tuple));
    return format_percent(budget, text, values);
  }
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [name, argument] : given.keyword) {
    entries.emplace_back(make_text(name, false), argument);
  }
  return format_percent(budget, text, TRY(make_dict(budget, std::move(entries))));
}

Result<Value> indent(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("indent", given, {"width", "first", "blank"}));
  Budget& budget = interpreter.budget();
  const Text* text = as_text(value);
  if (!text) return fail(ErrorKind::malformed, "indent: expected str, got {}", type_name(value));
  const bool is_text = bound.get(0) && as_text(*bound.get(0));
  const int64_t width = is_text ? 0 : TRY(bound.integer(0, 4));
  const Text margin = is_text ? *as_text(*bound.get(0))
                              : TRY(pad(budget, Text(), width, Text(" ", true), Side::right));
  // A newline at the very end begins no line of its own, one before it does.
  Text closed = *text;
  TRY(budget.bytes(closed.size()));
  closed.append("\n", true);
  const std::vector<Text> lines = TRY(split_lines(budget, closed, false));
  TextBuilder out(budget);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i != 0) TRY(out.append("\n", true));
    const bool indented = i == 0 ? bound.flag(1) : !lines[i].empty() || bound.flag(2);
    if (indented) TRY(out.append(margin));
    TRY(out.append(lines[i]));
  }
  return like(value, out.take());
}

Result<Value> truncate(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("truncate", given, {"length", "killwords", "end", "leeway"}));
  const int64_t length = TRY(bound.integer(0, 255));
  const Text dots("...", true);
  const Text& end = bound.get(2) ? *TRY(bound.text(2)) : dots;
  const int64_t leeway = bound.get(3) && !is_none(*bound.get(3)) ? TRY(bound.integer(3, 5)) : 5;
  const auto end_length = static_cast<int64_t>(Text::count_code_points(end.bytes()));
  if (length < end_length || leeway < 0) return fail(ErrorKind::malformed, "truncate: too short");
  if (TRY(length_of(value)) - leeway <= length) return value;
  const Text* text = as_text(value);
  if (!text) return fail(ErrorKind::malformed, "truncate: expected str, got {}", type_name(value));
  TRY(interpreter.budget().bytes(text->size()));
  size_t cut = Text::offset_of(text->bytes(), static_cast<size_t>(length - end_length));
  if (!bound.flag(1)) {
    const size_t space = std::string_view(text->bytes()).substr(0, cut).rfind(' ');
    if (space != std::string_view::npos) cut = space;
  }
  Text out = text->slice(0, cut);
  out.append(end);
  return like(value, std::move(out));
}

Result<Value> center(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("center", given, {"width"}));
  const Value text = TRY(as_soft_text(interpreter, value));
  const int64_t width = TRY(bound.integer(0, 80));
  return like(text,
              TRY(pad(interpreter.budget(), *as_text(text), width, Text(" ", true), Side::both)));
}

Result<Value> wordcount(Interpreter& interpreter, const Value& value, const Arguments& given) {
  TRY(bind("wordcount", given, {}));
  const Text text = TRY(to_text(interpreter.budget(), value));
  int64_t words = 0;
  bool inside = false;
  text.each_code_point([&](uint32_t c, std::string_view, bool) {
    const bool is_word = c == '_' || is_alphabetic(c) || is_digit(c) || is_numeric(c);
    if (is_word && !inside) ++words;
    inside = is_word;
  });
  return make_integer(words, false);
}

Result<Value> tojson(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound =
      TRY(bind("tojson", given, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ascii_only = bound.flag(0);
  style.sort_keys = bound.flag(3);
  if (const Value* depth = bound.get(1); depth && !is_none(*depth)) {
    constexpr int64_t kIndentMax = 64;
    if (const Text* text = as_text(*depth)) {
      style.trusted = text->trusted();
      style.indent = text->bytes().substr(0, Text::offset_of(text->bytes(), kIndentMax));
    } else {
      const int64_t spaces = std::clamp<int64_t>(TRY(bound.integer(1, 0)), 0, kIndentMax);
      style.indent = std::string(static_cast<size_t>(spaces), ' ');
    }
    style.item_separator = ",";
  }
  if (const Value* separators = bound.get(2); separators && !is_none(*separators)) {
    const std::vector<Value> pair = TRY(items_of(interpreter.budget(), *separators));
    if (pair.size() != 2 || !as_text(pair[0]) || !as_text(pair[1])) {
      return fail(ErrorKind::malformed, "tojson: separators must be two strings");
    }
    style.trusted = style.trusted && as_text(pair[0])->trusted() && as_text(pair[1])->trusted();
    style.item_separator = as_text(pair[0])->bytes();
    style.key_separator = as_text(pair[1])->bytes();
  }
  return make_text(TRY(to_json(interpreter.budget(), value, style)));
}

Result<Value> default_filter(Interpreter&, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("default", given, {"default_value", "boolean"}));
  const bool missing = is_undefined(value) || (bound.flag(1) && !truthy(value));
  if (!missing) return value;
  return bound.get(0) ? *bound.get(0) : make_text(Text());
}

// Without white space around and underscores between digits, as Python's int() and float() read.
std::string number_text(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](size_t at) {
      return at < text.size() && std::isalnum(static_cast<uint8_t>(text[at]));
    };
    if (text[i] == '_' && i > 0 && digit(i - 1) && digit(i + 1)) continue;
    out += text[i];
  }
  return out;
}

std::optional<double> parse_float(std::string_view text) {
  const std::string digits = number_text(text);
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = !digits.empty() && read.ptr == digits.data() + digits.size();
  if (whole && read.ec == std::errc::result_out_of_range) {
    // Python rounds to infinity or to zero.
    return digits.find("e-") == std::string::npos ? HUGE_VAL : 0.0;
  }
  return whole && read.ec == std::errc() ? std::optional(value) : std::nullopt;
}

Result<std::optional<int64_t>> parse_integer(std::string_view text, int base) {
  std::string digits = number_text(text);
  const bool negative = digits.starts_with('-');
  std::string_view rest = std::string_view(digits).substr(negative ? 1 : 0);
  const auto prefixed = [&](int wanted, char letter) {
    return base == wanted && rest.size() > 2 && rest[0] == '0' && (rest[1] | 0x20) == letter;
  };
  if (prefixed(16, 'x') || prefixed(8, 'o') || prefixed(2, 'b')) rest.remove_prefix(2);
  uint64_t magnitude = 0;
  const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), magnitude, base);
  const bool whole = !rest.empty() && read.ptr == rest.data() + rest.size();
  if (!whole || read.ec == std::errc::invalid_argument) return std::nullopt;
  if (read.ec != std::errc() || magnitude > static_cast<uint64_t>(INT64_MAX)) {
    return fail(ErrorKind::exhausted, "an integer does not fit into 64 bits");
  }
  return negative ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
}

Result<Value> int_filter(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("int", given, {"default", "base"}));
  const Text* text = as_text(value);
  const bool trusted = text ? text->trusted() : value.trusted;
  if (const auto integer = as_integer(value)) return make_integer(*integer, trusted);
  std::optional<double> number = as_number(value);
  if (text) {
    TRY(interpreter.budget().scan(text->size()));
    const int64_t base = TRY(bound.integer(1, 10));
    if (base < 2 || base > 36) return fail(ErrorKind::malformed, "int: base must be 2 to 36");
    const auto integer = TRY(parse_integer(text->bytes(), static_cast<int>(base)));
    if (integer) return make_integer(*integer, trusted);
    number = parse_float(text->bytes());
  }
  if (const Undefined* gap = as_undefined(value)) return fail(ErrorKind::malformed, "{}", gap->why);
  if (!number || std::isnan(*number)) return bound.get(0) ? *bound.get(0) : make_integer(0, true);
  if (!(std::fabs(*number) < 9.2e18)) {
    return fail(ErrorKind::exhausted, "an integer does not fit into 64 bits");
  }
  return make_integer(static_cast<int64_t>(*number), trusted);
}

Result<Value> float_filter(Interpreter& interpreter, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("float", given, {"default"}));
  const Text* text = as_text(value);
  if (text) TRY(interpreter.budget().scan(text->size()));
  if (const Undefined* gap = as_undefined(value)) return fail(ErrorKind::malformed, "{}", gap->why);
  const auto number = text ? parse_float(text->bytes()) : as_number(value);
  if (number) return make_float(*number, text ? text->trusted() : value.trusted);
  return bound.get(0) ? *bound.get(0) : make_float(0, true);
}

Result<Value> abs_filter(Interpreter&, const Value& value, const Arguments& given) {
  TRY(bind("abs", given, {}));
  const auto number = as_number(value);
  if (!number)
    return fail(ErrorKind::malformed, "bad operand type for abs(): {}", type_name(value));
  return sign(value, *number < 0);
}

// Python's round() of a float: exact decimal rounding, ties to even.
double round_float(double number, int64_t precision) {
  if (!std::isfinite(number) || precision > 300) return number;
  if (precision < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-precision));
    return std::isfinite(scale) ? std::nearbyint(number / scale) * scale : 0.0;
  }
  char buffer[700];
  const auto written = std::to_chars(buffer, buffer + sizeof(buffer), number,
                                     std::chars_format::fixed, static_cast<int>(precision));
  double rounded = number;
  std::from_chars(buffer, written.ptr, rounded);
  return rounded;
}

Result<Value> round_filter(Interpreter&, const Value& value, const Arguments& given) {
  const Bound bound = TRY(bind("round", given, {"precision", "method"}));
  const auto number = as_number(value);
  if (!number) return fail(ErrorKind::malformed, "round: not a number: {}", type_name(value));
  const int64_t precision = std::clamp<int64_t>(TRY(bound.integer(0, 0)), -400, 400);
  const std::string method = bound.get(1) ? TRY(bound.text(1))->bytes() : "common";
  if (method == "common") {
    const auto integer = as_integer(value);
    if (integer && precision >= 0) return make_integer(*integer, value.trusted);
    const double rounded = round_float(*number, precision);
    return integer ? make_integer(static_cast<int64_t>(rounded), value.trusted)
                   : make_float(rounded, value.trusted);
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  if (method == "ceil") return make_float(std::ceil(*number * scale) / scale, value.trusted);
  if (method == "floor") return make_float(std::floor(*number * scale) / scale, value.trusted);
  return fail(ErrorKind::malformed, "round: method must be common, ceil or floor");
}

constexpr FilterEntry kFilters[] = {
    {"abs", abs_filter},
    {"capitalize", case_filter<capitalize>},
    {"center", center},
    {"d", default_filter},
    {"default", default_filter},
    {"e", escape<false>},
    {"escape", escape<false>},
    {"float", float_filter},
    {"forceescape", escape<true>},
    {"format", format},
    {"indent", indent},
    {"int", int_filter},
    {"lower", case_filter<lower>},
    {"replace", replace_filter},
    {"round", round_filter},
    {"safe", safe},
    {"string", string},
    {"title", case_filter<filter_title>},
    {"tojson", tojson},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", case_filter<upper>},
    {"wordcount", wordcount},
};

}  // namespace

FilterFunction find_filter(std::string_view name) {
  const std::span<const FilterEntry> all[] = {kFilters, sequence_filters(), selection_filters()};
  for (const auto& filters : all) {
    for (const FilterEntry& entry : filters) {
      if (entry.first == name) return entry.second;
    }
  }
  return nullptr;
}

}  // namespace sotto::text::jinja

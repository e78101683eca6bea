// Formats, their specifications, and the padding and digits they ask for.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja_interpreter.h"

namespace sotto::text::jinja {

namespace {

constexpr int64_t kWidthMax = 10000;
constexpr int64_t kPrecisionMax = 300;

struct Specification {
  std::string fill = " ";
  char align = '\0';  // '<', '>', '^' or '=' (after the sign)
  char sign = '-';
  bool alternate = false;
  char grouping = '\0';
  int64_t width = 0;
  std::optional<int64_t> precision;
  char type = '\0';
};

// Reads over the bytes of a format.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  bool done() const { return position_ >= text_.size(); }
  char peek(size_t ahead = 0) const {
    return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
  }
  char take() { return done() ? '\0' : text_[position_++]; }
  bool skip(char c) { return !done() && text_[position_] == c && (++position_, true); }
  size_t position() const { return position_; }
  void move_to(size_t position) { position_ = position; }

  Result<int64_t> number(int64_t highest) {
    int64_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + (take() - '0');
      if (value > highest) {
        return fail(ErrorKind::exhausted, "a format's width is over {}", highest);
      }
    }
    return value;
  }

 private:
  std::string_view text_;
  size_t position_ = 0;
};

std::string group_digits(std::string digits, char separator) {
  const size_t end = std::min(digits.find_first_not_of("0123456789"), digits.size());
  for (size_t i = end; i > 3; i -= 3) digits.insert(i - 3, 1, separator);
  return digits;
}

void make_upper(std::string& digits) {
  for (char& c : digits) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

std::string integer_digits(int64_t value, const Specification& spec) {
  const int base = spec.type == 'x' || spec.type == 'X' ? 16
                   : spec.type == 'o'                   ? 8
                   : spec.type == 'b'                   ? 2
                                                        : 10;
  const uint64_t magnitude =
      value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  char buffer[72];
  const auto written = std::to_chars(buffer, buffer + sizeof(buffer), magnitude, base);
  std::string digits(buffer, written.ptr);
  if (spec.alternate && base != 10) {
    digits.insert(0, base == 16 ? "0x" : base == 8 ? "0o" : "0b");
  }
  if (spec.type == 'X') make_upper(digits);
  return digits;
}

Result<std::string> float_digits(double value, const Specification& spec) {
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return std::string("nan");
  if (std::isinf(value)) return std::string("inf");
  const char type = spec.type == '\0' ? 'g' : static_cast<char>(spec.type | 0x20);
  if (spec.type == '\0' && !spec.precision) return float_repr(magnitude);
  const auto precision = static_cast<int>(spec.precision.value_or(6));
  char buffer[800];
  const bool percent = spec.type == '%';
  const auto format = percent || type == 'f' ? std::chars_format::fixed
                      : type == 'e'          ? std::chars_format::scientific
                                             : std::chars_format::general;
  const auto written = std::to_chars(buffer, buffer + sizeof(buffer),
                                     percent ? magnitude * 100 : magnitude, format, precision);
  if (written.ec != std::errc()) return fail(ErrorKind::exhausted, "a formatted float is too long");
  return std::string(buffer, written.ptr) + (percent ? "%" : "");
}

Result<void> append_padded(TextBuilder& out, const Text& sign, const Text& body,
                           const Specification& spec, char default_align) {
  const auto length = static_cast<int64_t>(Text::count_code_points(sign.bytes()) +
                                           Text::count_code_points(body.bytes()));
  const int64_t missing = std::max<int64_t>(0, spec.width - length);
  const char align = spec.align ? spec.align : default_align;
  const int64_t before = align == '>' ? missing : align == '^' ? missing / 2 : 0;
  const int64_t inside = align == '=' ? missing : 0;
  const auto pad = [&](int64_t count) -> Result<void> {
    for (int64_t i = 0; i < count; ++i) TRY(out.append(spec.fill, body.trusted()));
    return {};
  };
  TRY(pad(before));
  TRY(out.append(sign));
  TRY(pad(inside));
  TRY(out.append(body));
  return pad(missing - before - inside);
}

Result<void> append_number(TextBuilder& out, const Value& value, Specification spec) {
  const auto integer = as_integer(value);
  std::string digits;
  bool negative = false;
  static constexpr std::string_view kIntegerTypes = "dxXobn";
  if (integer && (spec.type == '\0' || kIntegerTypes.contains(spec.type))) {
    if (spec.precision) return fail(ErrorKind::malformed, "a format's precision for an integer");
    digits = integer_digits(*integer, spec);
    negative = *integer < 0;
  } else if (kIntegerTypes.contains(spec.type) && spec.type != '\0') {
    return fail(ErrorKind::malformed, "format code '{}' for a float", spec.type);
  } else {
    const double number = *as_number(value);
    digits = TRY(float_digits(number, spec));
    negative = std::signbit(number) && !std::isnan(number);
  }
  if (std::string_view("EFG").contains(spec.type) && spec.type != '\0') make_upper(digits);
  if (spec.grouping) digits = group_digits(std::move(digits), spec.grouping);
  const std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  return append_padded(out, Text(sign, value.trusted), Text(digits, value.trusted), spec, '>');
}

Result<void> append_formatted(TextBuilder& out, const Value& value, const Specification& spec) {
  if (is_number(value) && (!std::holds_alternative<bool>(value.data) || spec.type != '\0') &&
      spec.type != 's') {
    return append_number(out, value, spec);
  }
  if (spec.type != '\0' && spec.type != 's') {
    return fail(ErrorKind::malformed, "format code '{}' for a value of type {}", spec.type,
                type_name(value));
  }
  Text text = TRY(to_text(out.budget(), value));
  if (spec.precision) {
    text = text.slice(0, Text::offset_of(text.bytes(), static_cast<size_t>(*spec.precision)));
  }
  return append_padded(out, Text(), text, spec, '<');
}

Result<Specification> parse_specification(std::string_view text) {
  Specification spec;
  Cursor cursor(text);
  static constexpr std::string_view kAligns = "<>^=";
  size_t after_fill = 0;
  if (!text.empty()) Text::next_code_point(text, after_fill);
  if (after_fill < text.size() && kAligns.contains(text[after_fill])) {
    spec.fill = text.substr(0, after_fill);
    cursor.move_to(after_fill);
  }
  if (!cursor.done() && kAligns.contains(cursor.peek())) spec.align = cursor.take();
  if (cursor.peek() == '+' || cursor.peek() == '-' || cursor.peek() == ' ')
    spec.sign = cursor.take();
  spec.alternate = cursor.skip('#');
  if (cursor.peek() == '0' && !spec.align) {
    spec.fill = "0";
    spec.align = '=';
  }
  spec.width = TRY(cursor.number(kWidthMax));
  if (cursor.peek() == ',' || cursor.peek() == '_') spec.grouping = cursor.take();
  if (cursor.skip('.')) spec.precision = TRY(cursor.number(kPrecisionMax));
  spec.type = cursor.take();
  static constexpr std::string_view kTypes("\0sdxXobnfFeEgG%", 15);
  if (!cursor.done() || !kTypes.contains(spec.type)) {
    return fail(ErrorKind::malformed, "bad format specification");
  }
  return spec;
}

// One % conversion, from after the percent sign.
class Percent {
 public:
  Percent(TextBuilder& out, const Value& values) : out_(out), values_(values) {
    const Sequence* tuple = as_sequence(values);
    if (tuple && tuple->flavour == Sequence::Flavour::tuple) tuple_ = tuple;
  }

  Result<void> convert(Cursor& cursor) {
    const Value* value = nullptr;
    if (cursor.skip('(')) {
      std::string key;
      while (!cursor.done() && cursor.peek() != ')') key += cursor.take();
      if (!cursor.skip(')')) return fail(ErrorKind::malformed, "incomplete format key");
      const Dict* dict = as_dict(values_);
      if (!dict) return fail(ErrorKind::malformed, "format requires a mapping");
      value = dict->find(key);
      if (!value) return fail(ErrorKind::malformed, "a format's key is missing");
      next_ = 1;
    }
    Specification spec;
    spec.align = '>';
    for (; !cursor.done() && std::string_view("-+ #0").contains(cursor.peek()); cursor.take()) {
      const char flag = cursor.peek();
      if (flag == '-') spec.align = '<';
      if (flag == '+' || (flag == ' ' && spec.sign != '+')) spec.sign = flag;
      if (flag == '#') spec.alternate = true;
      if (flag == '0' && spec.align != '<') {
        spec.align = '=';
        spec.fill = "0";
      }
    }
    spec.width = TRY(cursor.number(kWidthMax));
    if (cursor.skip('.')) spec.precision = TRY(cursor.number(kPrecisionMax));
    spec.type = cursor.take();
    if (!value) value = TRY(next());
    return append(*value, spec);
  }

  // Python lets what can be indexed go unused, except for tuples and text.
  Result<void> finish() const {
    const Sequence* sequence = as_sequence(values_);
    const bool can_be_unused = is_undefined(values_) || as_dict(values_) ||
                               (sequence && sequence->flavour <= Sequence::Flavour::range);
    const size_t given = tuple_ ? tuple_->items.size() : can_be_unused ? 0 : 1;
    if (next_ >= given) return {};
    return fail(ErrorKind::malformed, "not all arguments converted during string formatting");
  }

 private:
  Result<const Value*> next() {
    const size_t index = next_++;
    if (tuple_ ? index < tuple_->items.size() : index == 0) {
      return tuple_ ? &tuple_->items[index] : &values_;
    }
    return fail(ErrorKind::malformed, "not enough arguments for format string");
  }

  Result<void> append(const Value& value, Specification spec) {
    const char type = spec.type;
    if (type == 's' || type == 'r') {
      if (spec.align == '=') spec.align = '>';
      spec.fill = " ";
      spec.type = '\0';
      if (type == 's') return append_text_of(to_text(out_.budget(), value), spec);
      TextBuilder repr(out_.budget());
      TRY(append_repr(repr, value));
      return append_text_of(repr.take(), spec);
    }
    if (!std::string_view("dixXofFeEgG").contains(type) || type == '\0') {
      return fail(ErrorKind::unsupported, "this kind of % format");
    }
    if (!is_number(value)) {
      return fail(ErrorKind::malformed, "%{} format: a number is required, not {}", type,
                  type_name(value));
    }
    if (!std::string_view("dixXo").contains(type)) return append_number(out_, value, spec);
    if (type == 'i') spec.type = 'd';
    spec.precision.reset();
    const double number = *as_number(value);
    if (!as_integer(value) && !(std::fabs(number) < 9.2e18)) {
      return fail(ErrorKind::exhausted, "an integer does not fit into 64 bits");
    }
    const int64_t whole = as_integer(value) ? *as_integer(value) : static_cast<int64_t>(number);
    return append_number(out_, make_integer(whole, value.trusted), spec);
  }

  Result<void> append_text_of(Result<Text> made, const Specification& spec) {
    return append_formatted(out_, make_text(TRY(std::move(made))), spec);
  }

  TextBuilder& out_;
  const Value& values_;
  const Sequence* tuple_ = nullptr;
  size_t next_ = 0;
};

// Who writes a format decides what is shown of the values, and how it is filled up: nothing that an
// outsider's format makes is trusted.
Value formatted(const Text& format, Text made) {
  if (format.trusted()) return make_text(std::move(made));
  return make_text(made.bytes(), false);
}

// One {field}, from after the opening brace.
class Braces {
 public:
  Braces(Interpreter& interpreter, TextBuilder& out, const Arguments& arguments)
      : interpreter_(interpreter), out_(out), arguments_(arguments) {}

  Result<void> convert(Cursor& cursor) {
    Value value = TRY(first(name(cursor)));
    while (cursor.peek() == '.' || cursor.peek() == '[') {
      const bool is_item = cursor.take() == '[';
      const std::string part = name(cursor);
      if (is_item && !cursor.skip(']')) return bad();
      value = is_item ? TRY(interpreter_.item(value, index(part)))
                      : TRY(interpreter_.attribute(value, part));
    }
    if (cursor.skip('!')) {
      const char conversion = cursor.take();
      if (conversion != 's' && conversion != 'r') return bad();
      TextBuilder text(out_.budget());
      TRY(conversion == 's' ? append_text(text, value) : append_repr(text, value));
      value = make_text(text.take());
    }
    std::string spec;
    if (cursor.skip(':')) {
      while (!cursor.done() && cursor.peek() != '}' && cursor.peek() != '{') spec += cursor.take();
    }
    if (!cursor.skip('}')) return bad();
    return append_formatted(out_, value, TRY(parse_specification(spec)));
  }

  static std::unexpected<Error> bad() { return fail(ErrorKind::malformed, "bad format string"); }

 private:
  static std::string name(Cursor& cursor) {
    std::string out;
    while (!cursor.done() && !std::string_view(".[]!:{}").contains(cursor.peek())) {
      out += cursor.take();
    }
    return out;
  }

  static std::optional<int64_t> as_index(const std::string& text) {
    int64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
    return whole && value >= 0 ? std::optional(value) : std::nullopt;
  }
  static Value index(const std::string& part) {
    if (const auto number = as_index(part)) return make_integer(*number, true);
    return make_text(part, true);
  }

  Result<Value> first(const std::string& name) {
    const auto number = name.empty() ? std::optional(automatic_++) : as_index(name);
    if (number) {
      if (*number < static_cast<int64_t>(arguments_.positional.size())) {
        return arguments_.positional[static_cast<size_t>(*number)];
      }
      return fail(ErrorKind::malformed, "a format's position is out of range");
    }
    for (const auto& [key, value] : arguments_.keyword) {
      if (key == name) return value;
    }
    return fail(ErrorKind::malformed, "a format's key is missing");
  }

  Interpreter& interpreter_;
  TextBuilder& out_;
  const Arguments& arguments_;
  int64_t automatic_ = 0;
};

}  // namespace

Result<Value> format_percent(Budget& budget, const Value& format, const Value& values) {
  const Text& text = *as_text(format);
  TextBuilder out(budget);
  Percent percent(out, values);
  Cursor cursor(text.bytes());
  while (!cursor.done()) {
    const size_t begin = cursor.position();
    while (!cursor.done() && cursor.peek() != '%') cursor.take();
    TRY(out.append(text, begin, cursor.position()));
    if (cursor.done()) break;
    if (cursor.peek(1) == '%') {
      TRY(out.append(text, cursor.position(), cursor.position() + 1));
      cursor.move_to(cursor.position() + 2);
    } else {
      cursor.take();
      TRY(percent.convert(cursor));
    }
  }
  TRY(percent.finish());
  return formatted(text, out.take());
}

Result<Value> format_braces(Interpreter& interpreter, const Text& format,
                            const Arguments& arguments) {
  TextBuilder out(interpreter.budget());
  Braces braces(interpreter, out, arguments);
  Cursor cursor(format.bytes());
  while (!cursor.done()) {
    const size_t begin = cursor.position();
    while (!cursor.done() && cursor.peek() != '{' && cursor.peek() != '}') cursor.take();
    TRY(out.append(format, begin, cursor.position()));
    if (cursor.done()) break;
    if (cursor.peek(1) == cursor.peek()) {
      TRY(out.append(format, cursor.position(), cursor.position() + 1));
      cursor.move_to(cursor.position() + 2);
      continue;
    }
    if (cursor.take() == '}') return Braces::bad();
    TRY(braces.convert(cursor));
  }
  return formatted(format, out.take());
}

}  // namespace sotto::text::jinja

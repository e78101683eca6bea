// Operators on template values, with Python's meaning and bounds on what they may make.
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_operators.h"

#include <algorithm>
#include <cmath>

#include "text/jinja_callable.h"
#include "text/jinja_format.h"

namespace sotto::text::jinja {

namespace {

std::unexpected<Error> bad_operands(std::string_view op, const Value& left, const Value& right) {
  for (const Value* side : {&left, &right}) {
    if (const Undefined* gap = as_undefined(*side)) {
      return fail(ErrorKind::malformed, "{}", gap->why);
    }
  }
  return fail(ErrorKind::malformed, "unsupported operand types for {}: '{}' and '{}'", op,
              type_name(left), type_name(right));
}

std::unexpected<Error> overflow() {
  return fail(ErrorKind::exhausted, "an integer does not fit into 64 bits");
}

std::unexpected<Error> zero_division() {
  return fail(ErrorKind::malformed, "division by zero");
}

// Rounded down, as Python divides; the divisor is not 0.
std::optional<int64_t> floor_divide(int64_t a, int64_t b) {
  if (a == INT64_MIN && b == -1) return std::nullopt;
  const int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

int64_t floor_modulo(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

std::optional<int64_t> power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return std::nullopt;
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return std::nullopt;
  }
  return result;
}

Result<Value> integers(Operator op, int64_t a, int64_t b, bool trusted) {
  int64_t result = 0;
  bool fits = true;
  const auto take = [&](std::optional<int64_t> value) {
    fits = value.has_value();
    result = value.value_or(0);
  };
  switch (op) {
    case Operator::add:
      fits = !__builtin_add_overflow(a, b, &result);
      break;
    case Operator::subtract:
      fits = !__builtin_sub_overflow(a, b, &result);
      break;
    case Operator::multiply:
      fits = !__builtin_mul_overflow(a, b, &result);
      break;
    case Operator::divide:
      if (b == 0) return zero_division();
      return make_float(static_cast<double>(a) / static_cast<double>(b), trusted);
    case Operator::floor_divide:
      if (b == 0) return zero_division();
      take(floor_divide(a, b));
      break;
    case Operator::modulo:
      if (b == 0) return zero_division();
      result = floor_modulo(a, b);
      break;
    default:
      if (b < 0 && a == 0) return zero_division();
      if (b < 0) {
        return make_float(std::pow(static_cast<double>(a), static_cast<double>(b)), trusted);
      }
      take(power(a, b));
      break;
  }
  if (!fits) return overflow();
  return make_integer(result, trusted);
}

Result<Value> floats(Operator op, double a, double b, bool trusted) {
  const auto made = [&](double value) { return make_float(value, trusted); };
  switch (op) {
    case Operator::add:
      return made(a + b);
    case Operator::subtract:
      return made(a - b);
    case Operator::multiply:
      return made(a * b);
    default:
      break;
  }
  if (op == Operator::power) {
    if (a == 0 && b < 0) return zero_division();
    const double result = std::pow(a, b);
    if (std::isnan(result) && !std::isnan(a) && !std::isnan(b)) {
      return fail(ErrorKind::unsupported, "a complex number");
    }
    if (std::isinf(result) && std::isfinite(a) && std::isfinite(b)) {
      return fail(ErrorKind::malformed, "a power is too large for a float");
    }
    return made(result);
  }
  if (b == 0) return zero_division();
  if (op == Operator::divide) return made(a / b);
  if (op == Operator::modulo) return made(floor_modulo(a, b));
  return made(std::floor((a - floor_modulo(a, b)) / b));
}

Result<Value> add_texts(Budget& budget, const Value& left, const Value& right) {
  TextBuilder out(budget);
  const bool markup = left.markup || right.markup;
  for (const Value* side : {&left, &right}) {
    if (markup && !side->markup) {
      TRY(out.append(TRY(escape_html(budget, *as_text(*side)))));
    } else {
      TRY(out.append(*as_text(*side)));
    }
  }
  Value sum = make_text(out.take());
  sum.markup = markup;
  return sum;
}

Result<Value> add_sequences(Budget& budget, const Value& left, const Value& right) {
  const Sequence& a = *as_sequence(left);
  const Sequence& b = *as_sequence(right);
  TRY(budget.items(a.items.size() + b.items.size()));
  std::vector<Value> items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return make_sequence(budget, std::move(items), a.flavour, left.trusted && right.trusted);
}

bool can_repeat(const Value& value) {
  const Sequence* sequence = as_sequence(value);
  return as_text(value) || (sequence && sequence->flavour <= Sequence::Flavour::tuple);
}

Result<Value> repeat(Budget& budget, const Value& value, int64_t count) {
  const uint64_t times = count < 0 ? 0 : static_cast<uint64_t>(count);
  TRY(budget.step(times / 4));
  if (const Text* text = as_text(value)) {
    TextBuilder out(budget);
    for (uint64_t i = 0; i < times && !text->empty(); ++i) TRY(out.append(*text));
    Value repeated = make_text(out.take());
    repeated.markup = value.markup;
    return repeated;
  }
  const Sequence& sequence = *as_sequence(value);
  std::vector<Value> items;
  for (uint64_t i = 0; i < times && !sequence.items.empty(); ++i) {
    TRY(budget.items(sequence.items.size()));
    items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  }
  return make_sequence(budget, std::move(items), sequence.flavour, value.trusted);
}

std::string_view symbol_of(Operator op) {
  static constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  return kSymbols[static_cast<size_t>(op)];
}

// Python's slice indices over a sequence of `length`: first, how many, and the stride.
struct Span {
  int64_t first;
  int64_t count;
  int64_t step;
};

Result<Span> resolve(const SliceBounds& bounds, int64_t length) {
  const int64_t step = bounds.step.value_or(1);
  if (step == 0) return fail(ErrorKind::malformed, "slice step cannot be zero");
  const int64_t lowest = step > 0 ? 0 : -1;
  const int64_t highest = step > 0 ? length : length - 1;
  const auto place = [&](std::optional<int64_t> bound, int64_t fallback) {
    if (!bound) return fallback;
    // Clamped first, so that the sum cannot overflow.
    const int64_t clamped = std::clamp(*bound, -length - 1, length);
    return std::clamp(clamped < 0 ? clamped + length : clamped, lowest, highest);
  };
  const int64_t start = place(bounds.start, step > 0 ? lowest : highest);
  const int64_t stop = place(bounds.stop, step > 0 ? highest : lowest);
  const int64_t distance = step > 0 ? stop - start : start - stop;
  if (distance <= 0) return Span{0, 0, step};
  // |step| without overflow for the smallest integer.
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  return Span{start, static_cast<int64_t>((static_cast<uint64_t>(distance) - 1) / stride) + 1,
              step};
}

// Index of the i-th item; step × i is only computed while it stays inside.
int64_t index_at(const Span& span, int64_t i) {
  return i == 0 ? span.first : span.first + i * span.step;
}

Result<Value> slice_text(Budget& budget, const Text& text, const SliceBounds& bounds) {
  TRY(budget.bytes(text.size()));
  const std::string& bytes = text.bytes();
  const auto length = static_cast<int64_t>(Text::count_code_points(bytes));
  const Span span = TRY(resolve(bounds, length));
  if (span.count == 0) return make_text(Text());
  if (span.step == 1) {
    const size_t begin = Text::offset_of(bytes, static_cast<size_t>(span.first));
    const size_t size =
        Text::offset_of(std::string_view(bytes).substr(begin), static_cast<size_t>(span.count));
    return make_text(text.slice(begin, begin + size));
  }
  TRY(budget.items(static_cast<uint64_t>(length)));
  std::vector<size_t> offsets;
  for (size_t position = 0; position < bytes.size(); Text::next_code_point(bytes, position)) {
    offsets.push_back(position);
  }
  offsets.push_back(bytes.size());
  TextBuilder out(budget);
  for (int64_t i = 0; i < span.count; ++i) {
    const auto index = static_cast<size_t>(index_at(span, i));
    TRY(out.append(text, offsets[index], offsets[index + 1]));
  }
  return make_text(out.take());
}

}  // namespace

Result<Value> arithmetic(Budget& budget, Operator op, const Value& left, const Value& right) {
  const bool trusted = left.trusted && right.trusted;
  const auto a = as_integer(left);
  const auto b = as_integer(right);
  if (a && b) return integers(op, *a, *b, trusted);
  if (is_number(left) && is_number(right)) {
    return floats(op, *as_number(left), *as_number(right), trusted);
  }
  if (op == Operator::modulo && as_text(left)) return format_percent(budget, left, right);
  if (op == Operator::add && as_text(left) && as_text(right)) {
    return add_texts(budget, left, right);
  }
  if (op == Operator::add && can_repeat(left) && can_repeat(right) &&
      type_name(left) == type_name(right)) {
    return add_sequences(budget, left, right);
  }
  if (op == Operator::multiply && can_repeat(left) && b) return repeat(budget, left, *b);
  if (op == Operator::multiply && can_repeat(right) && a) return repeat(budget, right, *a);
  return bad_operands(symbol_of(op), left, right);
}

Result<Value> sign(const Value& operand, bool negative) {
  if (const auto integer = as_integer(operand)) {
    if (negative && *integer == INT64_MIN) return overflow();
    return make_integer(negative ? -*integer : *integer, operand.trusted);
  }
  if (const auto number = as_number(operand)) {
    return make_float(negative ? -*number : *number, operand.trusted);
  }
  return bad_operands(negative ? "-" : "+", operand, operand);
}

Result<Value> slice(Budget& budget, const Value& value, const SliceBounds& bounds) {
  if (const Text* text = as_text(value)) {
    Value sliced = TRY(slice_text(budget, *text, bounds));
    sliced.markup = value.markup;
    return sliced;
  }
  const Sequence* sequence = as_sequence(value);
  if (!sequence || sequence->flavour > Sequence::Flavour::range) {
    if (is_undefined(value)) return bad_operands("[:]", value, value);
    return fail(ErrorKind::malformed, "'{}' object cannot be sliced", type_name(value));
  }
  const Span span = TRY(resolve(bounds, static_cast<int64_t>(sequence->items.size())));
  std::vector<Value> items;
  for (int64_t i = 0; i < span.count; ++i) {
    items.push_back(sequence->items[static_cast<size_t>(index_at(span, i))]);
  }
  return make_sequence(budget, std::move(items), sequence->flavour, value.trusted);
}

Result<Text> escape_html(Budget& budget, const Text& text) {
  TextBuilder out(budget);
  Result<void> result;
  text.each_code_point([&](uint32_t code_point, std::string_view raw, bool trusted) {
    if (!result) return;
    const std::string_view escaped = code_point == '&'    ? "&amp;"
                                     : code_point == '<'  ? "&lt;"
                                     : code_point == '>'  ? "&gt;"
                                     : code_point == '\'' ? "&#39;"
                                     : code_point == '"'  ? "&#34;"
                                                          : raw;
    result = out.append(escaped, trusted);
  });
  TRY(std::move(result));
  return out.take();
}

}  // namespace sotto::text::jinja

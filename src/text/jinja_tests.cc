// Tests of template values: `is defined`, `is string`, `is odd`, …
// SPDX-License-Identifier: Apache-2.0
#include "text/jinja_tests.h"

#include <algorithm>
#include <cmath>

#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_methods.h"
#include "text/jinja_operators.h"

namespace sotto::text::jinja {

namespace {

// A test without arguments.
template <bool (*test)(const Value&)>
Result<bool> plain(Interpreter&, const Value& value, const Arguments& arguments) {
  TRY(bind("test", arguments, {}));
  return test(value);
}

bool is_defined(const Value& value) {
  return !is_undefined(value);
}
bool is_bool(const Value& value) {
  return std::holds_alternative<bool>(value.data);
}
bool is_true(const Value& value) {
  return is_bool(value) && std::get<bool>(value.data);
}
bool is_false(const Value& value) {
  return is_bool(value) && !std::get<bool>(value.data);
}
bool is_integer(const Value& value) {
  return std::holds_alternative<int64_t>(value.data);
}
bool is_float(const Value& value) {
  return std::holds_alternative<double>(value.data);
}
bool is_string(const Value& value) {
  return as_text(value);
}
bool is_mapping(const Value& value) {
  return as_dict(value);
}
bool is_markup(const Value& value) {
  return value.markup;
}
bool is_callable(const Value& value) {
  return is_undefined(value) || as_callable(value) || as_loop(value);
}
bool is_iterable(const Value& value) {
  return is_undefined(value) || as_text(value) || as_dict(value) || as_sequence(value) ||
         as_loop(value);
}
// What has a length and items by index or key.
bool is_sequence(const Value& value) {
  const Sequence* sequence = as_sequence(value);
  return is_undefined(value) || as_text(value) || as_dict(value) ||
         (sequence && sequence->flavour <= Sequence::Flavour::range);
}

Result<bool> remainder_is(Interpreter& interpreter, const Value& value, const Value& divisor,
                          int64_t wanted) {
  const Value rest = TRY(arithmetic(interpreter.budget(), Operator::modulo, value, divisor));
  return equal(interpreter.budget(), rest, make_integer(wanted, true));
}

Result<bool> odd(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  TRY(bind("odd", arguments, {}));
  return remainder_is(interpreter, value, make_integer(2, true), 1);
}

Result<bool> even(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  TRY(bind("even", arguments, {}));
  return remainder_is(interpreter, value, make_integer(2, true), 0);
}

Result<bool> divisible_by(Interpreter& interpreter, const Value& value,
                          const Arguments& arguments) {
  const Bound bound = TRY(bind("divisibleby", arguments, {"num"}, 1));
  return remainder_is(interpreter, value, *bound.get(0), 0);
}

template <bool negate>
Result<bool> equals(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Bound bound = TRY(bind("eq", arguments, {"other"}, 1));
  return TRY(equal(interpreter.budget(), value, *bound.get(0))) != negate;
}

// value < other, or other < value when swapped; or equal, when `or_equal`.
template <bool swapped, bool or_equal>
Result<bool> orders(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Bound bound = TRY(bind("lt", arguments, {"other"}, 1));
  const Value& other = *bound.get(0);
  if (TRY(swapped ? less(interpreter.budget(), other, value)
                  : less(interpreter.budget(), value, other))) {
    return true;
  }
  return or_equal && TRY(equal(interpreter.budget(), value, other));
}

Result<bool> is_in(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Bound bound = TRY(bind("in", arguments, {"seq"}, 1));
  return contains(interpreter.budget(), *bound.get(0), value);
}

// Python's `is`: the same object. Equal scalars of one type count as the same.
Result<bool> same_as(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  const Bound bound = TRY(bind("sameas", arguments, {"other"}, 1));
  const Value& other = *bound.get(0);
  if (value.data.index() != other.data.index()) return false;
  if (as_sequence(value)) return as_sequence(value) == as_sequence(other);
  if (as_dict(value)) return as_dict(value) == as_dict(other);
  return equal(interpreter.budget(), value, other);
}

// `is lower` and `is upper`, through the methods of the same meaning.
Result<bool> by_method(Interpreter& interpreter, const Value& value, const Arguments& arguments,
                       std::string_view method) {
  const Value text = make_text(TRY(to_text(interpreter.budget(), value)));
  return truthy(TRY(call_method(interpreter, text, method, arguments)));
}
Result<bool> is_lower(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  return by_method(interpreter, value, arguments, "islower");
}
Result<bool> is_upper(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  return by_method(interpreter, value, arguments, "isupper");
}

Result<bool> is_filter(Interpreter&, const Value& value, const Arguments&) {
  const Text* name = as_text(value);
  return name && find_filter(name->bytes());
}

Result<bool> is_test(Interpreter&, const Value& value, const Arguments&) {
  const Text* name = as_text(value);
  return name && find_test(name->bytes());
}

constexpr std::pair<std::string_view, TestFunction> kTests[] = {
    {"!=", equals<true>},
    {"<", orders<false, false>},
    {"<=", orders<false, true>},
    {"==", equals<false>},
    {">", orders<true, false>},
    {">=", orders<true, true>},
    {"boolean", plain<is_bool>},
    {"callable", plain<is_callable>},
    {"defined", plain<is_defined>},
    {"divisibleby", divisible_by},
    {"eq", equals<false>},
    {"equalto", equals<false>},
    {"escaped", plain<is_markup>},
    {"even", even},
    {"false", plain<is_false>},
    {"filter", is_filter},
    {"float", plain<is_float>},
    {"ge", orders<true, true>},
    {"greaterthan", orders<true, false>},
    {"gt", orders<true, false>},
    {"in", is_in},
    {"integer", plain<is_integer>},
    {"iterable", plain<is_iterable>},
    {"le", orders<false, true>},
    {"lessthan", orders<false, false>},
    {"lower", is_lower},
    {"lt", orders<false, false>},
    {"mapping", plain<is_mapping>},
    {"ne", equals<true>},
    {"none", plain<is_none>},
    {"number", plain<is_number>},
    {"odd", odd},
    {"sameas", same_as},
    {"sequence", plain<is_sequence>},
    {"string", plain<is_string>},
    {"test", is_test},
    {"true", plain<is_true>},
    {"undefined", plain<is_undefined>},
    {"upper", is_upper},
};

}  // namespace

TestFunction find_test(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTests), std::end(kTests),
                                   [&](const auto& entry) { return entry.first == name; });
  return found == std::end(kTests) ? nullptr : found->second;
}

}  // namespace sotto::text::jinja

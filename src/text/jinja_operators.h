// Arithmetic, concatenation and slicing of template values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "text/jinja_ast.h"

namespace sotto::text::jinja {

// Integers have 64 bits; what does not fit is `exhausted`.
Result<Value> arithmetic(Budget& budget, Operator op, const Value& left, const Value& right);
Result<Value> sign(const Value& operand, bool negative);

// The bounds of value[start:stop:step]; absent ones as in Python.
struct SliceBounds {
  std::optional<int64_t> start;
  std::optional<int64_t> stop;
  std::optional<int64_t> step;
};
Result<Value> slice(Budget& budget, const Value& value, const SliceBounds& bounds);

// The same text with &, <, >, ' and " written for HTML.
Result<Text> escape_html(Budget& budget, const Text& text);

}  // namespace sotto::text::jinja

// The `attribute="a.b.0"` of filters: a path into each item.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "text/jinja_arguments.h"

namespace sotto::text::jinja {

class Interpreter;

class AttributePath {
 public:
  // `attribute` is text with dots, an integer, or none or null for the item itself.
  static Result<AttributePath> parse(Budget& budget, const Value* attribute);
  // The same, for several paths with commas between them.
  static Result<std::vector<AttributePath>> parse_all(Budget& budget, const Value* attribute);

  // `fallback` (may be null) stands in where a step leads nowhere.
  Result<Value> get(Interpreter& interpreter, Value item, const Value* fallback = nullptr) const;

 private:
  std::vector<Value> steps_;
};

// What items are compared by: in lower case, where it is text and case does not matter.
Result<Value> comparison_key(Interpreter& interpreter, Value value, bool case_sensitive);

}  // namespace sotto::text::jinja

// The methods of text, lists, tuples, dicts and numbers that a template may call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "text/jinja_arguments.h"

namespace sotto::text::jinja {

class Interpreter;

enum class MethodStatus {
  absent,  // an item of that name may be meant
  usable,
  unsafe,  // would change a value, or is private to Python
};
MethodStatus method_status(const Value& self, std::string_view name);

// A `usable` method that we do not have is `unsupported`.
Result<Value> call_method(Interpreter& interpreter, const Value& self, std::string_view name,
                          const Arguments& arguments);

}  // namespace sotto::text::jinja

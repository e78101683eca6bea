// The functions that every template can name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "text/jinja_arguments.h"

namespace sotto::text::jinja {

class Interpreter;

// range, dict, namespace, raise_exception, strftime_now.
bool is_global_function(std::string_view name);
Result<Value> call_global(Interpreter& interpreter, std::string_view name,
                          const Arguments& arguments);

}  // namespace sotto::text::jinja

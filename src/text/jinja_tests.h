// What can stand after `is`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "text/jinja_arguments.h"

namespace sotto::text::jinja {

class Interpreter;

using TestFunction = Result<bool> (*)(Interpreter&, const Value&, const Arguments&);
// Null when there is none of that name.
TestFunction find_test(std::string_view name);

}  // namespace sotto::text::jinja

// Python's two ways to fill in a format: "%s" % values, and "{}".format(values).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "text/jinja_arguments.h"

namespace sotto::text::jinja {

class Interpreter;

// `format` is text. `values` is one value, a tuple of them, or a dict for %(name)s.
Result<Value> format_percent(Budget& budget, const Value& format, const Value& values);

// {}, {0}, {name}, {0.attribute[item]}, !s and !r, and the format specifications of numbers and
// text.
Result<Value> format_braces(Interpreter& interpreter, const Text& format,
                            const Arguments& arguments);

}  // namespace sotto::text::jinja

// Turns a template's source into the tree that the interpreter walks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "text/jinja_ast.h"

namespace sotto::text::jinja {

// `depth_max` bounds how deeply blocks and expressions nest. Tags, filters and tests that the
// interpreter does not have are `unsupported` (filters and tests only where they are certain to
// run; inside an `if` they are an error when they do).
Result<Body> parse_template(std::string_view source, uint32_t depth_max);

}  // namespace sotto::text::jinja

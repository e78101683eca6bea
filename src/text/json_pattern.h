// Regular expressions as JSON Schema's `pattern` has them, as expressions over a JSON string's inside.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/grammar_expression.h"

namespace sotto::text {

// One character of a JSON string that is among these, as it is spelled there: quotes, backslashes and
// control characters as escapes.
Expression json_characters(const Expression& characters);
// Any text between the quotes of a JSON string, of so many characters. Of escapes there are no halves of
// surrogate pairs.
Expression json_text(uint32_t least, uint32_t most);

// ECMA-262's syntax, but for what no grammar without context can say: look-around and back references,
// word boundaries, and anchors elsewhere than at the ends [JSON-SCHEMA §6.3.3]. `unsupported` names it.
Result<Expression> json_pattern(std::string_view pattern);

}  // namespace sotto::text

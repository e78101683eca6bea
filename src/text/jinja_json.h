// JSON of template values, as Python's json.dumps writes it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "text/jinja_value.h"

namespace sotto::text::jinja {

struct JsonStyle {
  bool ascii_only = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // of one level; absent: all in one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool trusted = true;  // whether the template spelled the indent and the separators
};

// Text keeps its provenance; brackets, commas and numbers have their value's.
Result<Text> to_json(Budget& budget, const Value& value, const JsonStyle& style);

}  // namespace sotto::text::jinja

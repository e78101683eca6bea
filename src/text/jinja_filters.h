// What can stand after `|`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "text/jinja_arguments.h"

namespace sotto::text::jinja {

class Interpreter;

using FilterFunction = Result<Value> (*)(Interpreter&, const Value&, const Arguments&);
// Null when there is none of that name.
FilterFunction find_filter(std::string_view name);

// The filters of each file, for find_filter.
using FilterEntry = std::pair<std::string_view, FilterFunction>;
std::span<const FilterEntry> sequence_filters();
std::span<const FilterEntry> selection_filters();

}  // namespace sotto::text::jinja

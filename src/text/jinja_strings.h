// What Python's str can do, on text that remembers where its bytes came from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "text/jinja_value.h"

namespace sotto::text::jinja {

enum class Side { left, right, both };

// Without any of `chars` (null: white space) at the ends.
Result<Text> strip(Budget& budget, const Text& text, const Text* chars, Side side);

// At `separator` (null: runs of white space), at most `count` times (negative: always), counted
// from the right when `from_right`.
Result<std::vector<Text>> split(Budget& budget, const Text& text, const Text* separator,
                                int64_t count, bool from_right);
Result<std::vector<Text>> split_lines(Budget& budget, const Text& text, bool keep_ends);

// At most `count` times (negative: always).
Result<Text> replace(Budget& budget, const Text& text, const Text& old, const Text& replacement,
                     int64_t count);

Result<Text> upper(Budget& budget, const Text& text);
Result<Text> lower(Budget& budget, const Text& text);
Result<Text> swap_case(Budget& budget, const Text& text);
Result<Text> capitalize(Budget& budget, const Text& text);
// As str.title(), which begins words after anything that has no case, or as the filter, which does
// so after white space and opening brackets.
Result<Text> title(Budget& budget, const Text& text, bool as_filter);

// Of the first (or last) occurrence within the bytes [begin, end); npos if there is none.
Result<size_t> find(Budget& budget, const Text& text, const Text& wanted, size_t begin, size_t end,
                    bool last);
// Occurrences that do not overlap.
Result<int64_t> count(Budget& budget, const Text& text, const Text& wanted);

// Filled up with `fill` to `width` code points.
Result<Text> pad(Budget& budget, const Text& text, int64_t width, const Text& fill, Side text_side);

}  // namespace sotto::text::jinja

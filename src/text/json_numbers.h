// JSON numbers within bounds, as expressions: every text they match satisfies the bounds exactly.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "text/grammar_expression.h"

namespace sotto::text {

struct NumberBounds {
  std::optional<double> least, most;
  bool least_open = false;  // the bound itself is outside
  bool most_open = false;

  bool any() const { return least.has_value() || most.has_value(); }
};

// Integers have at most 15 digits where nothing bounds them, so that a double holds them exactly.
// `malformed` when nothing is within the bounds, `unsupported` for a bound beyond 10^15.
Result<Expression> integers(const NumberBounds& bounds);
// Any number; with bounds one without an exponent. `unsupported` also for a bound of more than 15
// digits, or of more than 9 where it is outside itself.
Result<Expression> numbers(const NumberBounds& bounds);
// Numbers of at most this many digits behind the point.
Expression numbers_with_digits(uint32_t behind_point);
// Multiples of `divisor`, from 1 to 1000, by long division: its remainders are rules, added to `rules`.
Expression multiples_of(uint32_t divisor, Rules& rules);

}  // namespace sotto::text

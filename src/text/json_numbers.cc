// Digit by digit between two bounds.
// SPDX-License-Identifier: Apache-2.0
#include "text/json_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace sotto::text {

namespace {

constexpr uint32_t kDigitsMax = 15;
constexpr int64_t kIntegerMax = 999'999'999'999'999;
constexpr uint32_t kOpenDigitsMax = 9;

Expression digit(char low, char high) {
  return characters({{static_cast<char32_t>(low), static_cast<char32_t>(high)}});
}
Expression digits(uint32_t least, uint32_t most) {
  return repeat(digit('0', '9'), least, most);
}

// Texts as long as both, from `low` to `high` digit by digit.
Expression digits_between(const std::string& low, const std::string& high) {
  if (low.empty()) return literal("");
  const auto rest = static_cast<uint32_t>(low.size() - 1);
  if (low == std::string(low.size(), '0') && high == std::string(high.size(), '9')) {
    return digits(rest + 1, rest + 1);
  }
  if (low[0] == high[0]) {
    return sequence({literal(low.substr(0, 1)), digits_between(low.substr(1), high.substr(1))});
  }
  std::vector<Expression> ways;
  ways.push_back(
      sequence({literal(low.substr(0, 1)), digits_between(low.substr(1), std::string(rest, '9'))}));
  if (high[0] - low[0] > 1) {
    ways.push_back(sequence({digit(static_cast<char>(low[0] + 1), static_cast<char>(high[0] - 1)),
                             digits(rest, rest)}));
  }
  ways.push_back(sequence(
      {literal(high.substr(0, 1)), digits_between(std::string(rest, '0'), high.substr(1))}));
  return choice(std::move(ways));
}

// Integers from `low` to `high`, neither negative, without leading zeros.
Expression naturals_between(int64_t low, int64_t high) {
  std::vector<Expression> ways;
  while (low <= high) {
    const std::string from = std::to_string(low);
    const std::string all_nines(from.size(), '9');
    const int64_t last = std::min(high, static_cast<int64_t>(std::stoll(all_nines)));
    ways.push_back(digits_between(from, std::to_string(last)));
    low = last + 1;
  }
  return choice(std::move(ways));
}

// A number without sign and exponent: digits before the point, and those behind it without zeros at the
// end.
struct Decimal {
  int64_t whole = 0;
  std::string fraction;
  uint32_t digits = 0;
};

Result<Decimal> decimal_of(double value) {
  char buffer[512];
  const auto printed =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed);
  const std::string text(buffer, printed.ptr);
  const size_t point = std::min(text.find('.'), text.size());
  Decimal decimal;
  if (point > kDigitsMax) return fail(ErrorKind::unsupported, "a bound is beyond 10^15");
  decimal.whole = std::stoll(text.substr(0, point));
  if (point < text.size()) decimal.fraction = text.substr(point + 1);
  decimal.digits =
      static_cast<uint32_t>(decimal.fraction.size() + (decimal.whole == 0 ? 0 : point));
  if (decimal.digits > kDigitsMax || decimal.fraction.size() > kDigitsMax) {
    return fail(ErrorKind::unsupported, "a bound has more than 15 digits");
  }
  return decimal;
}

// What may stand behind the whole part: nothing, or a point and digits whose value is within bounds that
// are fractions themselves.
class Fractions {
 public:
  struct Bound {
    const std::string* digits = nullptr;  // none: there is no bound
    bool open = false;
  };
  Fractions(Bound low, Bound high) : low_(low), high_(high) {
    if (low_.digits != nullptr) size_ = std::max(size_, low_.digits->size());
    if (high_.digits != nullptr) size_ = std::max(size_, high_.digits->size());
  }

  Expression expression() const {
    const bool low = low_.digits != nullptr;
    const bool high = high_.digits != nullptr;
    std::vector<Expression> ways;
    if (may_end(0, low, high)) ways.push_back(literal(""));
    ways.push_back(sequence({literal("."), next(0, low, high)}));
    return choice(std::move(ways));
  }

 private:
  // The bound's digit number i, with zeros behind its last.
  static char digit_of(const Bound& bound, size_t i) {
    return i < bound.digits->size() ? (*bound.digits)[i] : '0';
  }

  // Whether the text may be over after i digits, which are those of the bounds that are still tight.
  bool may_end(size_t i, bool low_tight, bool high_tight) const {
    if (low_tight && (i < low_.digits->size() || low_.open)) return false;
    if (high_tight && high_.open && i >= high_.digits->size()) return false;
    return true;
  }

  // Digit number i and what follows. With no tight bound left: any digits.
  Expression next(size_t i, bool low_tight, bool high_tight) const {
    if (!low_tight && !high_tight) return digits(1, kDigitsMax);
    if (i >= size_) return behind_the_bounds(low_tight, high_tight);
    const char low = low_tight ? digit_of(low_, i) : '0';
    const char high = high_tight ? digit_of(high_, i) : '9';
    std::vector<Expression> ways;
    const auto add = [&](char from, char to, bool still_low, bool still_high) {
      if (from > to) return;
      std::vector<Expression> after;
      if (may_end(i + 1, still_low, still_high)) after.push_back(literal(""));
      after.push_back(next(i + 1, still_low, still_high));
      ways.push_back(sequence({digit(from, to), choice(std::move(after))}));
    };
    if (low_tight && high_tight && low == high) {
      add(low, low, true, true);
    } else {
      const char middle_low = static_cast<char>(low + (low_tight ? 1 : 0));
      const char middle_high = static_cast<char>(high - (high_tight ? 1 : 0));
      if (low_tight) add(low, low, true, false);
      add(middle_low, middle_high, false, false);
      if (high_tight) add(high, high, false, true);
    }
    if (ways.empty()) return characters({});
    return choice(std::move(ways));
  }

  // At least one digit more, after all those of the bound.
  Expression behind_the_bounds(bool low_tight, bool high_tight) const {
    if (high_tight) {
      const bool none = high_.open || (low_tight && low_.open);
      return none ? characters({}) : repeat(literal("0"), 1, 3);
    }
    if (!low_.open) return digits(1, 5);
    return sequence({repeat(literal("0"), 0, 2), digit('1', '9'), digits(0, 3)});
  }

  Bound low_, high_;
  size_t size_ = 0;
};

// Numbers of one sign, from `low` to `high` in size; no `high`: as large as they may be.
Result<Expression> sizes_between(double low, bool low_open, std::optional<double> high,
                                 bool high_open) {
  const Decimal from = TRY(decimal_of(low));
  Decimal to;
  if (high) {
    to = TRY(decimal_of(*high));
  } else {
    to.whole = kIntegerMax;
    to.fraction = std::string();
  }
  if ((low_open && from.digits > kOpenDigitsMax) ||
      (high && high_open && to.digits > kOpenDigitsMax)) {
    return fail(ErrorKind::unsupported, "an exclusive bound has more than {} digits",
                kOpenDigitsMax);
  }
  const Fractions::Bound low_bound{&from.fraction, low_open};
  const Fractions::Bound high_bound{&to.fraction, high_open};
  std::vector<Expression> ways;
  const auto add = [&](int64_t first, int64_t last, const Fractions& fractions) {
    if (first <= last) {
      ways.push_back(sequence({naturals_between(first, last), fractions.expression()}));
    }
  };
  if (from.whole == to.whole) {
    add(from.whole, from.whole, Fractions(low_bound, high_bound));
  } else {
    add(from.whole, from.whole, Fractions(low_bound, {}));
    add(from.whole + 1, to.whole - 1, Fractions({}, {}));
    add(to.whole, to.whole, Fractions({}, high_bound));
  }
  return choice(std::move(ways));
}

// Bounds that are further away than numbers reach are brought there.
Result<NumberBounds> within_digits(NumberBounds bounds) {
  constexpr double kMax = double{kIntegerMax};
  if ((bounds.least && *bounds.least > kMax) || (bounds.most && *bounds.most < -kMax)) {
    return fail(ErrorKind::unsupported, "a bound is beyond 10^15");
  }
  if (bounds.least && *bounds.least < -kMax) {
    bounds.least = -kMax;
    bounds.least_open = false;
  }
  if (bounds.most && *bounds.most > kMax) {
    bounds.most = kMax;
    bounds.most_open = false;
  }
  return bounds;
}

}  // namespace

Result<Expression> integers(const NumberBounds& wanted) {
  const NumberBounds bounds = TRY(within_digits(wanted));
  int64_t low = -kIntegerMax;
  int64_t high = kIntegerMax;
  if (bounds.least) {
    low = static_cast<int64_t>(std::ceil(*bounds.least));
    if (bounds.least_open && static_cast<double>(low) == *bounds.least) ++low;
  }
  if (bounds.most) {
    high = static_cast<int64_t>(std::floor(*bounds.most));
    if (bounds.most_open && static_cast<double>(high) == *bounds.most) --high;
  }
  if (low > high) return fail(ErrorKind::malformed, "no integer is within the bounds");
  std::vector<Expression> ways;
  if (low < 0) {
    ways.push_back(sequence({literal("-"), naturals_between(std::max<int64_t>(1, -high), -low)}));
  }
  if (high >= 0) ways.push_back(naturals_between(std::max<int64_t>(0, low), high));
  return choice(std::move(ways));
}

Result<Expression> numbers(const NumberBounds& wanted) {
  const NumberBounds bounds = TRY(within_digits(wanted));
  if (!bounds.any()) {
    Expression whole =
        choice({literal("0"), sequence({digit('1', '9'), digits(0, kDigitsMax - 1)})});
    Expression fraction = optional(sequence({literal("."), digits(1, kDigitsMax)}));
    Expression sign = optional(characters({{'+', '+'}, {'-', '-'}}));
    Expression exponent =
        optional(sequence({characters({{'e', 'e'}, {'E', 'E'}}), std::move(sign), digits(1, 2)}));
    return sequence(
        {optional(literal("-")), std::move(whole), std::move(fraction), std::move(exponent)});
  }
  const double low = bounds.least.value_or(-1);
  const double high = bounds.most.value_or(1);
  std::vector<Expression> ways;
  if (!bounds.least || low < 0) {
    // Below zero: the bounds change places. Zero itself has no sign.
    const double nearest = bounds.most && high < 0 ? -high : 0;
    const bool nearest_open = bounds.most && high < 0 ? bounds.most_open : true;
    std::optional<double> farthest;
    if (bounds.least) farthest = -low;
    if (!farthest || nearest < *farthest || (nearest == *farthest && !nearest_open)) {
      ways.push_back(sequence(
          {literal("-"), TRY(sizes_between(nearest, nearest_open, farthest, bounds.least_open))}));
    }
  }
  if (!bounds.most || high >= 0) {
    const double nearest = bounds.least && low > 0 ? low : 0;
    const bool nearest_open = bounds.least && low >= 0 && bounds.least_open;
    std::optional<double> farthest;
    if (bounds.most) farthest = high;
    if (!farthest || nearest <= *farthest) {
      ways.push_back(TRY(sizes_between(nearest, nearest_open, farthest, bounds.most_open)));
    }
  }
  if (ways.empty()) return fail(ErrorKind::malformed, "no number is within the bounds");
  return choice(std::move(ways));
}

Expression numbers_with_digits(uint32_t behind_point) {
  Expression whole = choice({literal("0"), sequence({digit('1', '9'), digits(0, 11)})});
  Expression fraction = optional(sequence({literal("."), digits(1, behind_point)}));
  return sequence({optional(literal("-")), std::move(whole), std::move(fraction)});
}

Expression multiples_of(uint32_t divisor, Rules& rules) {
  const auto first = static_cast<uint32_t>(rules.size());
  rules.resize(rules.size() + divisor);
  for (uint32_t remainder = 0; remainder < divisor; ++remainder) {
    std::vector<Expression> ways;
    if (remainder == 0) ways.push_back(literal(""));
    for (uint32_t d = 0; d < 10; ++d) {
      ways.push_back(
          sequence({literal(std::to_string(d)), rule(first + (remainder * 10 + d) % divisor)}));
    }
    rules[first + remainder] = choice(std::move(ways));
  }
  std::vector<Expression> begins;
  for (uint32_t d = 1; d < 10; ++d) {
    begins.push_back(sequence({literal(std::to_string(d)), rule(first + d % divisor)}));
  }
  return choice({literal("0"), sequence({optional(literal("-")), choice(std::move(begins))})});
}

}  // namespace sotto::text

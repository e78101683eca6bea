// Making expressions, and sets of characters in order.
// SPDX-License-Identifier: Apache-2.0
#include "text/grammar_expression.h"

#include <algorithm>

namespace sotto::text {

namespace {

constexpr char32_t kLast = 0x10ffff;
constexpr CharacterRange kSurrogates = {0xd800, 0xdfff};

void add(std::vector<CharacterRange>& ranges, CharacterRange range) {
  if (range.first > range.second) return;
  if (range.first < kSurrogates.first && range.second > kSurrogates.second) {
    ranges.emplace_back(range.first, kSurrogates.first - 1);
    ranges.emplace_back(kSurrogates.second + 1, range.second);
    return;
  }
  const bool begins_in = range.first >= kSurrogates.first && range.first <= kSurrogates.second;
  const bool ends_in = range.second >= kSurrogates.first && range.second <= kSurrogates.second;
  if (begins_in && ends_in) return;
  if (begins_in) range.first = kSurrogates.second + 1;
  if (ends_in) range.second = kSurrogates.first - 1;
  ranges.push_back(range);
}

std::vector<CharacterRange> in_order(std::vector<CharacterRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<CharacterRange> joined;
  for (const CharacterRange& range : ranges) {
    if (!joined.empty() && range.first <= joined.back().second + 1) {
      joined.back().second = std::max(joined.back().second, range.second);
    } else {
      joined.push_back(range);
    }
  }
  std::vector<CharacterRange> clean;
  for (const CharacterRange& range : joined) {
    add(clean, {range.first, std::min(range.second, kLast)});
  }
  return clean;
}

}  // namespace

Expression literal(std::string text) {
  Expression made;
  made.text = std::move(text);
  return made;
}

Expression characters(std::vector<CharacterRange> ranges) {
  Expression made;
  made.kind = Expression::Kind::characters;
  made.ranges = in_order(std::move(ranges));
  return made;
}

Expression all_characters_but(std::vector<CharacterRange> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<CharacterRange> others;
  char32_t next = 0;
  for (const CharacterRange& range : ranges) {
    if (range.first > next) others.emplace_back(next, range.first - 1);
    next = std::max<char32_t>(next, range.second + 1);
  }
  if (next <= kLast) others.emplace_back(next, kLast);
  return characters(std::move(others));
}

Expression sequence(std::vector<Expression> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  Expression made;
  made.kind = Expression::Kind::sequence;
  made.parts = std::move(parts);
  return made;
}

Expression choice(std::vector<Expression> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  Expression made;
  made.kind = Expression::Kind::choice;
  made.parts = std::move(parts);
  return made;
}

Expression repeat(Expression part, uint32_t least, uint32_t most) {
  if (least == 1 && most == 1) return part;
  Expression made;
  made.kind = Expression::Kind::repeat;
  made.parts.push_back(std::move(part));
  made.least = least;
  made.most = most;
  return made;
}

Expression rule(uint32_t number) {
  Expression made;
  made.kind = Expression::Kind::rule;
  made.rule = number;
  return made;
}

}  // namespace sotto::text

// What a grammar is written in: literals, classes of characters, and how they go together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sotto::text {

// Of code points, both ends included.
using CharacterRange = std::pair<char32_t, char32_t>;

inline constexpr uint32_t kUnbounded = ~uint32_t{0};

struct Expression {
  enum class Kind {
    literal,     // the bytes of `text`
    characters,  // one code point of `ranges`, in UTF-8
    sequence,    // `parts`, one after the other
    choice,      // one of `parts`
    repeat,      // parts[0], `least` to `most` times
    rule,        // the rule of this number
  };
  Kind kind = Kind::literal;
  std::string text;
  std::vector<CharacterRange> ranges;  // sorted, apart from each other, without surrogates
  std::vector<Expression> parts;
  uint32_t least = 0;
  uint32_t most = 0;
  uint32_t rule = 0;
};

Expression literal(std::string text);
// In any order; overlaps are joined and surrogates taken out. None: nothing matches.
Expression characters(std::vector<CharacterRange> ranges);
Expression all_characters_but(std::vector<CharacterRange> ranges);
Expression sequence(std::vector<Expression> parts);
Expression choice(std::vector<Expression> parts);
Expression repeat(Expression part, uint32_t least, uint32_t most);
inline Expression optional(Expression part) {
  return repeat(std::move(part), 0, 1);
}
Expression rule(uint32_t number);

// Rules by number; the first is the one that a text has to match.
using Rules = std::vector<Expression>;

}  // namespace sotto::text

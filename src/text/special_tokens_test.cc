// Matching tokens as they stand in text.
// SPDX-License-Identifier: Apache-2.0
#include "text/special_tokens.h"

#include <gtest/gtest.h>

#include <string>

namespace sotto::text {
namespace {

std::string found(const SpecialTokens& tokens, std::string_view text, size_t begin, size_t end) {
  std::vector<TokenMatch> matches;
  tokens.find(text, begin, end, matches);
  std::string out;
  for (const TokenMatch& match : matches) {
    out += std::to_string(match.id) + "@" + std::to_string(match.begin) + "-" +
           std::to_string(match.end) + " ";
  }
  return out;
}

TEST(SpecialTokens, TheLongestAtTheLeftmostPlaceWins) {
  const SpecialTokens tokens({{"<a", 1}, {"<a>", 2}, {"<", 3}, {"a><", 4}, {"\xFF", 5}});
  EXPECT_EQ(found(tokens, "x<a>y", 0, 5), "2@1-4 ");
  EXPECT_EQ(found(tokens, "<a<b", 0, 4), "1@0-2 3@2-3 ");
  EXPECT_EQ(found(tokens, "a><a>", 0, 5), "4@0-3 ");
  EXPECT_EQ(found(tokens, "\xFF\xFE\xFF", 0, 3), "5@0-1 5@2-3 ");
}

TEST(SpecialTokens, AMatchLiesWhollyInsideTheGivenRange) {
  const SpecialTokens tokens({{"<a>", 1}});
  EXPECT_EQ(found(tokens, "<a><a>", 0, 6), "1@0-3 1@3-6 ");
  EXPECT_EQ(found(tokens, "<a><a>", 1, 5), "");
  EXPECT_EQ(found(tokens, "<a><a>", 3, 6), "1@3-6 ");
}

TEST(SpecialTokens, NoTokensMatchNothing) {
  const SpecialTokens tokens({});
  EXPECT_TRUE(tokens.empty());
  EXPECT_EQ(found(tokens, "<a>", 0, 3), "");
}

}  // namespace
}  // namespace sotto::text

// Stop strings in a stream.
// SPDX-License-Identifier: Apache-2.0
#include "text/stop.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sotto::text {
namespace {

// What is shown of a text that comes in pieces; "!" after it if a stop string was found.
std::string shown(const std::vector<std::string>& stops, std::string_view text,
                  size_t piece_bytes) {
  StopMatcher matcher(stops);
  std::string out;
  for (size_t at = 0; at < text.size(); at += piece_bytes) {
    out += matcher.push(text.substr(at, piece_bytes));
  }
  out += matcher.finish();
  return out + (matcher.stopped() ? "!" : "");
}

// The definition, without cleverness: the first end, and there the longest.
std::string defined(const std::vector<std::string>& stops, const std::string& text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return text.substr(0, end - longest) + "!";
  }
  return text;
}

TEST(stop, is_found_across_pieces) {
  for (const size_t piece_bytes : {1, 2, 3, 4, 100}) {
    EXPECT_EQ(shown({"\n\nUser:"}, "Hello.\n\nUser: next", piece_bytes), "Hello.!");
    EXPECT_EQ(shown({"aab"}, "aaaab", piece_bytes), "aa!");
    EXPECT_EQ(shown({"abcd", "bc"}, "xabcd", piece_bytes), "xa!");
    EXPECT_EQ(shown({"c", "abc"}, "xabcd", piece_bytes), "x!");
    EXPECT_EQ(shown({"abc"}, "ab", piece_bytes), "ab");
    EXPECT_EQ(shown({"", "z"}, "abc", piece_bytes), "abc");
    EXPECT_EQ(shown({}, "abc", piece_bytes), "abc");
    EXPECT_EQ(shown({"é"}, "caféx", piece_bytes), "caf!");
  }
}

TEST(stop, holds_back_only_what_may_become_a_stop_string) {
  StopMatcher matcher({"STOP", "xyzzy"});
  EXPECT_EQ(matcher.push("abcST"), "abc");
  EXPECT_EQ(matcher.push("A"), "STA");
  EXPECT_EQ(matcher.push("xySTO"), "xy");
  EXPECT_EQ(matcher.push("P and more"), "");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.push("more"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(stop, does_what_its_definition_says_for_random_texts) {
  std::mt19937 random(7);
  const auto text_of = [&](size_t bytes) {
    std::string text;
    for (size_t i = 0; i < bytes; ++i) text += static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> stops;
    for (size_t i = 0; i < 1 + random() % 4; ++i) stops.push_back(text_of(1 + random() % 6));
    const std::string text = text_of(random() % 20);
    EXPECT_EQ(shown(stops, text, 1 + random() % 5), defined(stops, text)) << text;
  }
}

// One pass for each of 5000 stop strings would run into the test's time limit.
TEST(stop, many_stop_strings_are_matched_in_one_pass) {
  std::vector<std::string> stops;
  for (int i = 0; i < 5000; ++i) stops.push_back("aaaaaaaaaaaaaaaa" + std::to_string(i));
  const std::string text(1 << 20, 'a');
  EXPECT_EQ(shown(stops, text, 7).size(), text.size());
}

}  // namespace
}  // namespace sotto::text

// GBNF and what it matches, byte by byte and token by token.
// SPDX-License-Identifier: Apache-2.0
#include "text/grammar.h"

#include <gtest/gtest.h>

#include <regex>

#include "text/grammar_for_testing.h"

namespace sotto::text {
namespace {

std::shared_ptr<GrammarTokens> gbnf(std::string_view text) {
  Result<Grammar> grammar = Grammar::parse(text);
  EXPECT_TRUE(grammar.has_value()) << grammar.error().message << "\n" << text;
  return with_tokens(std::move(*grammar));
}

TEST(Gbnf, matches_what_it_says) {
  struct Case {
    const char* grammar;
    std::vector<const char*> good;
    std::vector<const char*> bad;
  };
  const Case cases[] = {
      {"root ::= \"ab\" | \"a\" \"c\"?", {"ab", "a", "ac"}, {"", "b", "abc", "acc"}},
      {"root ::= [a-c]+ [^a-c]", {"ax", "abcd", "cé", "a漢"}, {"x", "a", "aa"}},
      {"root ::= \"a\"{2,3} \"b\"{2} \"c\"{1,}",
       {"aabbc", "aaabbccc"},
       {"abbc", "aaaabbc", "aabc", "aabb"}},
      {"root ::= (\"x\" | \"y\" root)*", {"", "x", "yx", "yyy", "xyx"}, {"z"}},
      {"root ::= list\nlist ::= item (\",\" item)* # a comment\nitem ::= [0-9]+",
       {"1", "1,22,3"},
       {"", ",", "1,"}},
      {"root ::= a\n  | b\na ::= \"a\"\n\nb ::= (\n  \"b\"\n  \"c\"\n)\n", {"a", "bc"}, {"b"}},
      {"root ::= \"\\\"\\\\\\n\\x41\\u00e9\\U0001F600\"", {"\"\\\nAé😀"}, {"\"\\\nAe😀"}},
      {"root ::= [\\x00-\\x1f] | [\\]\\-a]", {"\x01", "]", "-", "a"}, {"b", " "}},
      {"root ::= .", {"a", "é", "漢", "😀", "\n"}, {"", "ab", "\xff", "\xed\xa0\x80", "\xc0\x80"}},
      {"root ::= [^\"\\\\]*", {"", "abc é"}, {"\"", "a\\"}},
      {"root ::= [\u0400-\u04ff]", {"ж", "Ѐ", "ӿ"}, {"a", "я́", "ࠀ"}},
      {"root ::= [\U00010000-\U0010ffff]", {"😀", "\U0010ffff"}, {"a", "\uffff"}},
      {"root ::= \"\" | \"a\"", {"", "a"}, {"b"}},
      {"root ::= (\"a\"?){3} \"b\"", {"b", "ab", "aaab"}, {"aaaab"}},
      {"root ::= s \"b\"\ns ::= \"a\" s | \"\"", {"b", "ab", "aaaaab"}, {"a", "ba"}},
      {"root ::= \"(\" root \")\" | \"x\"", {"x", "((x))"}, {"((x)", "(x))"}},
  };
  for (const Case& one : cases) {
    const auto grammar = gbnf(one.grammar);
    for (const char* text : one.good)
      EXPECT_TRUE(matches(grammar, text)) << one.grammar << " " << text;
    for (const char* text : one.bad)
      EXPECT_FALSE(matches(grammar, text)) << one.grammar << " " << text;
  }
}

TEST(Gbnf, says_what_is_wrong_and_where) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no rule 'root'"},
      {"root ::= a", "no rule 'a'"},
      {"root = \"a\"", "line 1, column 6"},
      {"root ::= \"a", "'\"' is missing"},
      {"root ::= [a", "']' is missing"},
      {"root ::= (\"a\"", "')' is missing"},
      {"root ::= \"a\"\n\nx ::= \"\\q\"", "line 3"},
      {"root ::= \"a\"\nroot ::= \"b\"", "already"},
      {"root ::= [b-a]", "end comes before"},
      {"root ::= \"a\"{3,2}", "less than the least"},
      {"root ::= \"a\"{99999999}", "too large"},
      {"root ::= \"a\" )", "no meaning"},
      {"root ::= root \"a\"", "begin with itself"},
      {"root ::= a\na ::= \"x\"? b\nb ::= a", "begin with itself"},
      {"root ::= \"\\ud800\"", "not a character"},
      {"root ::= \"\xff\"", "not UTF-8"},
  };
  for (const auto& [text, message] : cases) {
    const Result<Grammar> grammar = Grammar::parse(text);
    ASSERT_FALSE(grammar.has_value()) << text;
    EXPECT_NE(grammar.error().message.find(message), std::string::npos)
        << text << ": " << grammar.error().message;
  }
}

TEST(Gbnf, has_limits) {
  std::string nested = "root ::= ";
  for (int i = 0; i < 1000; ++i) nested += "(";
  EXPECT_FALSE(Grammar::parse(nested).has_value());
  std::string chain;
  for (int i = 0; i < 5000; ++i) chain += fmt::format("r{} ::= \"x\"\n", i);
  EXPECT_FALSE(Grammar::parse("root ::= \"a\"\n" + chain).has_value());
  std::string optionals = "root ::= ";
  for (int i = 0; i < 50000; ++i) optionals += "\"a\"? ";
  const Result<Grammar> grammar = Grammar::parse(optionals);
  ASSERT_TRUE(grammar.has_value());
  GrammarMatcher matcher(with_tokens(*grammar));
  std::vector<uint64_t> bits((shared_trie()->vocabulary() + 63) / 64);
  const Result<void> mask = matcher.mask(bits);
  ASSERT_FALSE(mask.has_value());
  EXPECT_EQ(mask.error().kind, ErrorKind::unsupported);
}

TEST(GrammarMatcher, gives_the_mask_that_trying_every_token_gives) {
  const char* grammars[] = {
      R"(root ::= "{" (pair ("," pair)*)? "}"
         pair ::= string ":" value
         string ::= "\"" ([^"\\\x00-\x1f] | "\\" ["\\nu])* "\""
         value ::= string | root | "[" (value ("," value)*)? "]" | "-"? [0-9]+ ("." [0-9]+)? | "true")",
      R"(root ::= "\"" [a-z]{3,7} "\"" | [0-9]{2}{2,4})",
      R"(root ::= ([a-c]{2,5} ":"){1,3} "x"*)",
      "root ::= (. [^x]){2,}",
      R"(root ::= "a" b "c" | "a" b "d"
         b ::= "aa"* [\u00e0-\u00ff]?)",
  };
  for (const char* text : grammars) {
    const auto grammar = gbnf(text);
    for (uint64_t seed = 0; seed < 6; ++seed) walk_at_random(grammar, seed, 25, true);
  }
}

// Tokens of up to 120 letters, at every distance from both ends of what may be repeated.
TEST(GrammarMatcher, counts_exactly) {
  const auto grammar = gbnf("root ::= text \"c\"?\ntext ::= ([a] | \"\\\",\\\"\"){150,310} \"b\"");
  GrammarMatcher matcher(grammar);
  for (int i = 0; i < 311; ++i) {
    EXPECT_EQ(mask_of(matcher), mask_by_trying(matcher)) << i;
    EXPECT_EQ(has(mask_of(matcher), 'b'), i >= 150) << i;
    EXPECT_EQ(matcher.accept_bytes("a"), i < 310);
  }
  EXPECT_TRUE(matcher.accept_bytes("b"));
  EXPECT_FALSE(matcher.over());
  EXPECT_TRUE(matcher.accept_bytes("c"));
  EXPECT_TRUE(matcher.over());
}

TEST(GrammarMatcher, refuses_what_does_not_fit_and_stays_where_it_is) {
  GrammarMatcher matcher(gbnf("root ::= \"ab\""));
  EXPECT_FALSE(matcher.accept('b').has_value());
  EXPECT_TRUE(matcher.accept('a').has_value());
  EXPECT_FALSE(matcher.complete());
  const auto end = shared_tokenizer().find("<|im_end|>");
  ASSERT_TRUE(end.has_value());
  EXPECT_FALSE(matcher.accept(*end).has_value());
  EXPECT_TRUE(matcher.accept('b').has_value());
  EXPECT_TRUE(matcher.over());
  const std::vector<uint64_t> bits = mask_of(matcher);
  EXPECT_TRUE(std::all_of(bits.begin(), bits.end(), [](uint64_t word) { return word == 0; }));
}

// Grammars whose every letter may belong to thousands of places at once: an answer ends with an error soon,
// instead of holding the engine up.
TEST(GrammarMatcher, gives_up_what_is_too_ambiguous) {
  std::string loops = "root ::= ";
  for (int i = 0; i < 60; ++i) {
    loops += "(";
    for (int j = 0; j < 20; ++j) loops += "[a-z]{0,9} ";
    loops += ")* ";
  }
  const std::string counted = "root ::= (([a-z]{1,1000}){1,1000}){1,1000}";
  for (const std::string& text : {loops, counted}) {
    const auto grammar = gbnf(text);
    GrammarMatcher matcher(grammar);
    std::vector<uint64_t> bits((shared_trie()->vocabulary() + 63) / 64);
    Result<void> result = matcher.mask(bits);
    for (int i = 0; i < 400 && result; ++i) {
      result = matcher.accept('a');
      if (result) result = matcher.mask(bits);
    }
    ASSERT_FALSE(result.has_value()) << text.substr(0, 60);
    EXPECT_EQ(result.error().kind, ErrorKind::unsupported) << result.error().message;
    EXPECT_FALSE(matcher.mask(bits).has_value());  // and does not come back
  }
}

// Deep nesting makes ever new states: those of one text must not be lost when all are given up.
TEST(GrammarMatcher, goes_on_when_what_was_kept_is_given_up) {
  const auto grammar = gbnf("root ::= \"[\" root* \"]\" | [a-z]{1,9} \";\"");
  std::vector<GrammarMatcher> matchers(3, GrammarMatcher(grammar));
  const size_t depth = 20000;
  for (size_t i = 0; i < depth; ++i) {
    for (GrammarMatcher& matcher : matchers) ASSERT_TRUE(matcher.accept_bytes("["));
    if (i % 997 == 0) {
      EXPECT_EQ(mask_of(matchers[1]), mask_by_trying(matchers[1]));
    }
  }
  for (GrammarMatcher& matcher : matchers) {
    ASSERT_TRUE(matcher.accept_bytes("abc;"));
    for (size_t i = 0; i < depth; ++i) {
      ASSERT_FALSE(matcher.complete());
      ASSERT_TRUE(matcher.accept_bytes("]"));
    }
    EXPECT_TRUE(matcher.over());
  }
}

}  // namespace
}  // namespace sotto::text

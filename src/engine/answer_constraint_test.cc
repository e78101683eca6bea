// What may come next, from thinking to the end.
// SPDX-License-Identifier: Apache-2.0
#include "engine/answer_constraint.h"

#include <gtest/gtest.h>

#include <string>

#include "text/vocabulary_for_testing.h"

namespace sotto::engine {
namespace {

const text::Tokenizer& tokenizer() {
  static const text::Tokenizer made = [] {
    text::VocabularyForTesting vocabulary =
        text::byte_level_vocabulary({{"<think>", text::TokenKind::user_defined},
                                     {"</think>", text::TokenKind::user_defined},
                                     {"<call>", text::TokenKind::control},
                                     {"<|im_end|>", text::TokenKind::control}});
    return text::Tokenizer::from_metadata(vocabulary.metadata()).value();
  }();
  return made;
}

TokenId id_of(std::string_view text) {
  return tokenizer().find(text).value();
}

std::shared_ptr<text::GrammarTokens> grammar(const char* gbnf) {
  return std::make_shared<text::GrammarTokens>(
      std::make_shared<const text::Grammar>(text::Grammar::parse(gbnf).value()),
      std::make_shared<const text::TokenTrie>(tokenizer()));
}

std::vector<TokenId> ends() {
  return {id_of("<|im_end|>")};
}

// The tokens that may come next as they are spelled, or "*" for all.
std::string allowed(AnswerConstraint& constraint) {
  std::vector<uint64_t> bits((tokenizer().vocabulary_size() + 63) / 64, ~uint64_t{0});
  const Result<bool> forbids = constraint.mask(bits);
  EXPECT_TRUE(forbids.has_value());
  if (!*forbids) return "*";
  std::string text;
  for (uint32_t id = 0; id < tokenizer().vocabulary_size(); ++id) {
    if ((bits[id / 64] >> (id % 64) & 1) != 0)
      text += tokenizer().token_text(static_cast<TokenId>(id));
  }
  return text;
}

void take(AnswerConstraint& constraint, std::string_view text) {
  const auto ids = tokenizer().encode(text, true);
  ASSERT_TRUE(ids.has_value());
  for (const TokenId id : *ids) EXPECT_TRUE(constraint.accept(id).has_value());
}

TEST(AnswerConstraint, holds_the_whole_answer_to_a_grammar) {
  AnswerRules rules;
  rules.grammar = grammar("root ::= \"x\" [yz]?");
  AnswerConstraint constraint(tokenizer(), rules, ends());
  EXPECT_EQ(allowed(constraint), "x");
  take(constraint, "x");
  EXPECT_EQ(allowed(constraint), "yz<|im_end|>");
  take(constraint, "z");
  EXPECT_EQ(allowed(constraint), "<|im_end|>");
  take(constraint, "<|im_end|>");
}

TEST(AnswerConstraint, lets_the_model_think_first) {
  AnswerRules rules;
  rules.thinking = true;
  rules.grammar = grammar("root ::= \"x\"");
  AnswerConstraint constraint(tokenizer(), rules, ends());
  EXPECT_EQ(allowed(constraint), "*");
  take(constraint, "hmm x y </think>");
  EXPECT_EQ(allowed(constraint), "x");
}

TEST(AnswerConstraint, lets_the_model_begin_to_think_where_it_may) {
  AnswerRules rules;
  rules.may_think = true;
  rules.grammar = grammar("root ::= \"x\"");
  AnswerConstraint thinks(tokenizer(), rules, ends());
  EXPECT_EQ(allowed(thinks), "x<think>");
  take(thinks, "<think>");
  EXPECT_EQ(allowed(thinks), "*");
  take(thinks, "a</think>");
  EXPECT_EQ(allowed(thinks), "x");
  AnswerConstraint answers(tokenizer(), rules, ends());
  take(answers, "x");
  EXPECT_EQ(allowed(answers), "<|im_end|>");
}

TEST(AnswerConstraint, ends_the_thinking_when_its_budget_is_spent) {
  AnswerRules rules;
  rules.thinking = true;
  rules.thinking_max = 3;
  rules.close_thinking = close_thinking_tokens(tokenizer()).value();
  AnswerConstraint constraint(tokenizer(), rules, ends());
  take(constraint, "abc");
  EXPECT_EQ(allowed(constraint), "Ċ");
  take(constraint, "\n");
  EXPECT_EQ(allowed(constraint), "</think>");
  take(constraint, "</think>");
  EXPECT_EQ(allowed(constraint), "*");

  rules.thinking_max = 0;
  AnswerConstraint none(tokenizer(), rules, ends());
  EXPECT_EQ(allowed(none), "Ċ");
  AnswerConstraint early(tokenizer(), rules, ends());
  take(early, "\n</think>");
  EXPECT_EQ(allowed(early), "*");
}

TEST(AnswerConstraint, puts_a_call_between_its_marks) {
  AnswerRules rules;
  rules.grammar = grammar("root ::= \"f\"");
  rules.lead = {id_of("<call>"), id_of("(")};
  rules.tail = {id_of(")")};
  AnswerConstraint constraint(tokenizer(), rules, ends());
  for (const char* next : {"<call>", "(", "f", ")"}) {
    EXPECT_EQ(allowed(constraint), next);
    take(constraint, next);
  }
  EXPECT_EQ(allowed(constraint), "<|im_end|>");
}

TEST(AnswerConstraint, holds_what_follows_a_marker_each_time_that_it_comes) {
  AnswerRules rules;
  rules.grammar = grammar("root ::= \"f\" [0-9]?");
  rules.trigger = id_of("<call>");
  rules.tail = {id_of(")")};
  AnswerConstraint constraint(tokenizer(), rules, ends());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(allowed(constraint), "*");
    take(constraint, "well ");
    take(constraint, "<call>");
    EXPECT_EQ(allowed(constraint), "f");
    take(constraint, "f");
    take(constraint, "7");
    EXPECT_EQ(allowed(constraint), ")");
    take(constraint, ")");
  }
  EXPECT_EQ(allowed(constraint), "*");
}

}  // namespace
}  // namespace sotto::engine

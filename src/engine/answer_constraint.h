// Holding an answer to what was asked for: how long it may think, and what it looks like after that.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/constraint.h"
#include "text/grammar_matcher.h"
#include "text/reasoning.h"
#include "text/tokenizer.h"

namespace sotto::engine {

struct AnswerRules {
  bool thinking = false;                 // the prompt opened <think>
  bool may_think = false;                // the answer may begin with <think>
  std::optional<uint32_t> thinking_max;  // tokens, after which `close_thinking` is put there
  std::vector<TokenId> close_thinking;

  // What comes then: `lead`, a text of the grammar, `tail`, the end. Without a grammar: anything.
  std::shared_ptr<text::GrammarTokens> grammar;
  std::vector<TokenId> lead, tail;
  // With it the grammar is not for all of the answer, but for what follows this token, up to `tail`, each
  // time that the model says it.
  std::optional<TokenId> trigger;

  bool any() const { return thinking_max.has_value() || grammar != nullptr; }
};

// Borrows the tokenizer. Made anywhere; then for the engine's thread, which is the only one that may use the
// grammar; `ends` are the tokens that end an answer.
class AnswerConstraint final : public Constraint {
 public:
  AnswerConstraint(const text::Tokenizer& tokenizer, AnswerRules rules, std::vector<TokenId> ends);

  Result<bool> mask(std::span<uint64_t> allowed) override;
  Result<void> accept(TokenId id) override;

 private:
  enum class Phase { begin, thinking, free, format, over };

  void begin_thinking();
  void close_thinking();
  void begin_answer();
  void begin_format();
  void end_format();
  void think(TokenId id);
  std::string text_of(TokenId id);
  text::GrammarMatcher& matcher();

  const text::Tokenizer& tokenizer_;
  const AnswerRules rules_;
  const std::vector<TokenId> ends_;
  Phase phase_;
  std::deque<TokenId> forced_;  // come first
  uint32_t thought_ = 0;        // tokens
  text::Detokenizer detokenizer_;
  text::ReasoningSplitter splitter_;
  std::optional<text::GrammarMatcher> matcher_;
};

// "</think>", on a line of its own.
Result<std::vector<TokenId>> close_thinking_tokens(const text::Tokenizer& tokenizer);

}  // namespace sotto::engine

// What a person reads of an answer: tokens to text, ended by stop strings, thinking set apart.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/token.h"
#include "text/reasoning.h"
#include "text/stop.h"
#include "text/tokenizer.h"

namespace sotto::engine {

struct AnswerOptions {
  std::vector<std::string> stop_strings = {};
  bool with_special = false;        // show control tokens as they are spelled
  std::vector<TokenId> shown = {};  // show these, whatever they are
  bool split_reasoning = true;      // false: everything is content, tags included
  bool reasoning_is_open = false;   // the prompt ended inside <think>
};

// The consumer's side of one answer, one thread: text comes out of the pieces in whole characters,
// and only when no stop string can reach back into it. Borrows the tokenizer.
class Answer {
 public:
  Answer(const text::Tokenizer& tokenizer, const AnswerOptions& options);

  // The text that is certain after this token. Nothing any more once stopped().
  text::AnswerPiece push(TokenId id);
  // A stop string was found: cancel the stream, what it still holds is not part of the answer.
  bool stopped() const { return matcher_.stopped(); }
  // Whether the next token is part of what the model thinks, not of its answer.
  bool thinking() const { return split_reasoning_ && splitter_.thinking(); }
  // What was held back. The answer is over.
  text::AnswerPiece finish();

 private:
  text::AnswerPiece split(std::string text);

  text::Detokenizer detokenizer_;
  text::StopMatcher matcher_;
  text::ReasoningSplitter splitter_;
  bool split_reasoning_;
  const text::Tokenizer& tokenizer_;
  std::vector<TokenId> shown_;
};

}  // namespace sotto::engine

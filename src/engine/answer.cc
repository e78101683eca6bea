// Detokenizer, stop strings and reasoning, one behind the other.
// SPDX-License-Identifier: Apache-2.0
#include "engine/answer.h"

#include <algorithm>
#include <utility>

namespace sotto::engine {

Answer::Answer(const text::Tokenizer& tokenizer, const AnswerOptions& options)
    : detokenizer_(tokenizer, options.with_special),
      matcher_(options.stop_strings),
      splitter_(options.reasoning_is_open),
      split_reasoning_(options.split_reasoning),
      tokenizer_(tokenizer),
      shown_(options.shown) {}

text::AnswerPiece Answer::split(std::string text) {
  if (split_reasoning_) return splitter_.push(text);
  return {.reasoning = {}, .content = std::move(text)};
}

text::AnswerPiece Answer::push(TokenId id) {
  if (stopped()) return {};
  const bool shown = std::find(shown_.begin(), shown_.end(), id) != shown_.end();
  return split(matcher_.push(shown ? tokenizer_.token_bytes(id, true) : detokenizer_.push(id)));
}

text::AnswerPiece Answer::finish() {
  std::string rest;
  if (!stopped()) rest = matcher_.push(detokenizer_.finish());
  if (!stopped()) rest += matcher_.finish();
  text::AnswerPiece piece = split(std::move(rest));
  if (split_reasoning_) {
    text::AnswerPiece last = splitter_.finish();
    piece.reasoning += last.reasoning;
    piece.content += last.content;
  }
  return piece;
}

}  // namespace sotto::engine

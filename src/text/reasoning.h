// Separates what a model thinks, between <think> and </think>, from what it answers, as it streams.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sotto::text {

struct AnswerPiece {
  std::string reasoning;
  std::string content;
};

// One answer, one thread. The tags themselves are never shown; a tag split over several pieces is
// held back until it is certain. White space directly after either tag is dropped, and so is what
// stands between the answer's beginning and a tag.
class ReasoningSplitter {
 public:
  // `open` when the prompt's own end opened the tag already (see prompt_opens_reasoning).
  explicit ReasoningSplitter(bool open) : thinking_(open), after_tag_(open), at_start_(!open) {}

  AnswerPiece push(std::string_view text);
  AnswerPiece finish();  // what was held back
  bool thinking() const { return thinking_; }

 private:
  void take(AnswerPiece& piece, bool is_end);
  void emit(AnswerPiece& piece, size_t count);

  bool thinking_;
  bool after_tag_;  // white space is being dropped
  bool at_start_;   // only white space has come; it goes if a tag follows
  std::string held_;
};

// Whether a rendered prompt ends with a <think> that it opened for the answer.
bool prompt_opens_reasoning(std::string_view prompt);
// Whether it ends with a </think>: what follows is the answer.
bool prompt_closes_reasoning(std::string_view prompt);

}  // namespace sotto::text

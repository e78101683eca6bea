// Finding the tags around a model's reasoning in a stream of text.
// SPDX-License-Identifier: Apache-2.0
#include "text/reasoning.h"

#include <algorithm>
#include <utility>

namespace sotto::text {

namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kSpace = " \t\r\n";

// How many bytes at the end of `text` may be the beginning of `tag`.
size_t beginning_at_end(std::string_view text, std::string_view tag) {
  for (size_t length = std::min(text.size(), tag.size() - 1); length > 0; --length) {
    if (text.ends_with(tag.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

AnswerPiece ReasoningSplitter::push(std::string_view text) {
  held_ += text;
  AnswerPiece piece;
  take(piece, false);
  return piece;
}

AnswerPiece ReasoningSplitter::finish() {
  AnswerPiece piece;
  take(piece, true);
  return piece;
}

void ReasoningSplitter::emit(AnswerPiece& piece, size_t count) {
  (thinking_ ? piece.reasoning : piece.content).append(held_, 0, count);
  held_.erase(0, count);
}

// Moves everything that is certain from `held_` into `piece`.
void ReasoningSplitter::take(AnswerPiece& piece, bool is_end) {
  while (true) {
    const size_t space = std::min(held_.find_first_not_of(kSpace), held_.size());
    if (after_tag_) held_.erase(0, space);
    if (held_.empty()) return;
    after_tag_ = false;
    const size_t open = held_.find(kOpen);
    const size_t close = held_.find(kClose);
    const size_t tag = std::min(open, close);
    if (tag == std::string::npos) break;
    if (at_start_ && tag == space) {
      held_.erase(0, tag);
    } else {
      emit(piece, tag);
    }
    held_.erase(0, (tag == open ? kOpen : kClose).size());
    thinking_ = tag == open;
    after_tag_ = true;
    at_start_ = false;
  }
  const size_t unsure = std::max(beginning_at_end(held_, kOpen), beginning_at_end(held_, kClose));
  const bool only_space = held_.find_first_not_of(kSpace) >= held_.size() - unsure;
  if (is_end) {
    emit(piece, held_.size());
  } else if (!at_start_ || !only_space) {
    at_start_ = false;
    emit(piece, held_.size() - unsure);
  }
}

bool prompt_opens_reasoning(std::string_view prompt) {
  const size_t last = prompt.find_last_not_of(kSpace);
  return last != prompt.npos && prompt.substr(0, last + 1).ends_with(kOpen);
}

bool prompt_closes_reasoning(std::string_view prompt) {
  const size_t last = prompt.find_last_not_of(kSpace);
  return last != prompt.npos && prompt.substr(0, last + 1).ends_with(kClose);
}

}  // namespace sotto::text

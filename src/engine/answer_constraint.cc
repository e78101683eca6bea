// From thinking to a format to the end.
// SPDX-License-Identifier: Apache-2.0
#include "engine/answer_constraint.h"

#include <algorithm>
#include <utility>

namespace sotto::engine {

namespace {

void set(std::span<uint64_t> bits, TokenId id) {
  bits[static_cast<size_t>(id) / 64] |= uint64_t{1} << (static_cast<size_t>(id) % 64);
}

}  // namespace

AnswerConstraint::AnswerConstraint(const text::Tokenizer& tokenizer, AnswerRules rules,
                                   std::vector<TokenId> ends)
    : tokenizer_(tokenizer),
      rules_(std::move(rules)),
      ends_(std::move(ends)),
      phase_(Phase::begin),
      detokenizer_(tokenizer),
      splitter_(rules_.thinking) {
  if (rules_.thinking) {
    begin_thinking();
  } else if (!rules_.may_think) {
    begin_answer();
  }
}

void AnswerConstraint::begin_thinking() {
  phase_ = Phase::thinking;
  if (rules_.thinking_max == 0u) close_thinking();
}

void AnswerConstraint::close_thinking() {
  forced_.assign(rules_.close_thinking.begin(), rules_.close_thinking.end());
}

// No thinking, or no more of it.
void AnswerConstraint::begin_answer() {
  phase_ = Phase::free;
  if (rules_.grammar == nullptr || rules_.trigger) return;
  forced_.insert(forced_.end(), rules_.lead.begin(), rules_.lead.end());
  begin_format();
}

void AnswerConstraint::begin_format() {
  phase_ = Phase::format;
  matcher_.reset();
}

// Made on the engine's thread, which has the grammar to itself.
text::GrammarMatcher& AnswerConstraint::matcher() {
  if (!matcher_) matcher_.emplace(rules_.grammar);
  return *matcher_;
}

// The grammar's text is there and cannot go on.
void AnswerConstraint::end_format() {
  forced_.insert(forced_.end(), rules_.tail.begin(), rules_.tail.end());
  phase_ = rules_.trigger ? Phase::free : Phase::over;
}

Result<bool> AnswerConstraint::mask(std::span<uint64_t> allowed) {
  const auto only = [&](std::span<const TokenId> ids) {
    std::fill(allowed.begin(), allowed.end(), 0);
    for (const TokenId id : ids) set(allowed, id);
    return true;
  };
  if (!forced_.empty()) return only({&forced_.front(), 1});
  switch (phase_) {
    case Phase::thinking:
    case Phase::free:
      return false;
    case Phase::over:
      return only(ends_);
    case Phase::begin: {
      if (rules_.grammar == nullptr || rules_.trigger) return false;
      // It thinks first, or it begins at once.
      if (rules_.lead.empty()) {
        std::fill(allowed.begin(), allowed.end(), 0);
        text::GrammarMatcher first(rules_.grammar);
        TRY(first.mask(allowed));
      } else {
        only({&rules_.lead.front(), 1});
      }
      if (const auto open = tokenizer_.find("<think>")) set(allowed, *open);
      return true;
    }
    case Phase::format:
      break;
  }
  std::fill(allowed.begin(), allowed.end(), 0);
  TRY(matcher().mask(allowed));
  if (matcher().complete() && rules_.tail.empty() && !rules_.trigger) {
    for (const TokenId id : ends_) set(allowed, id);
  }
  return true;
}

// Marks may be control tokens, which have no text of their own.
std::string AnswerConstraint::text_of(TokenId id) {
  for (const char* mark : {"<think>", "</think>"}) {
    if (tokenizer_.find(mark) == id) return mark;
  }
  return detokenizer_.push(id);
}

void AnswerConstraint::think(TokenId id) {
  splitter_.push(text_of(id));
  if (!splitter_.thinking()) {
    forced_.clear();
    begin_answer();
    return;
  }
  ++thought_;
  if (forced_.empty() && rules_.thinking_max && thought_ >= *rules_.thinking_max) close_thinking();
}

Result<void> AnswerConstraint::accept(TokenId id) {
  if (phase_ == Phase::begin) {
    const bool held = rules_.grammar != nullptr && !rules_.trigger;
    const text::AnswerPiece piece = splitter_.push(text_of(id));
    if (splitter_.thinking()) {
      begin_thinking();
      return {};
    }
    // Without a format the mark may come in several tokens, or behind white space.
    if (!held && piece.content.empty()) return {};
    begin_answer();
  }
  if (phase_ == Phase::thinking) {
    if (!forced_.empty()) forced_.pop_front();
    think(id);
    return {};
  }
  if (!forced_.empty()) {
    forced_.pop_front();
    return {};
  }
  if (phase_ == Phase::free) {
    if (rules_.trigger && id == *rules_.trigger) begin_format();
    return {};
  }
  const bool ends = std::find(ends_.begin(), ends_.end(), id) != ends_.end();
  if (phase_ == Phase::over || ends) return {};
  TRY(matcher().accept(id));
  if (matcher().over()) end_format();
  return {};
}

Result<std::vector<TokenId>> close_thinking_tokens(const text::Tokenizer& tokenizer) {
  return tokenizer.encode("\n</think>", true);
}

}  // namespace sotto::engine

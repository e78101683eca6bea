// Masks: one walk over the vocabulary for each place in a rule, and short ones for each state.
// SPDX-License-Identifier: Apache-2.0
#include "text/grammar_matcher.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace sotto::text {

using Thread = GrammarAutomaton::Thread;
using StateId = GrammarAutomaton::StateId;
using StackId = GrammarAutomaton::StackId;
using Frame = GrammarAutomaton::Frame;

namespace {

// What is kept of one grammar: some 30 MB with a vocabulary of 152k.
constexpr size_t kAutomatonBytesMax = 24 << 20;
constexpr size_t kMasksMax = 512;
// A text's allowance, of 10 ns each: as long as 30 tokens of a prompt take, for what is found out first,
// and a small part of a step for each token. Whoever holds an engine up longer pays with their answer.
constexpr uint64_t kWorkFirst = 4'000'000;
constexpr uint64_t kWorkPerToken = 200'000;
constexpr size_t kLocalBytesMax = 16 << 20;

std::vector<TokenId> ids_of(const std::vector<uint64_t>& mask) {
  std::vector<TokenId> ids;
  for (size_t i = 0; i < mask.size(); ++i) {
    for (uint64_t word = mask[i]; word != 0; word &= word - 1) {
      ids.push_back(static_cast<TokenId>(i * 64 + static_cast<size_t>(std::countr_zero(word))));
    }
  }
  return ids;
}

void set(std::vector<uint64_t>& mask, TokenId id) {
  mask[static_cast<size_t>(id) / 64] |= uint64_t{1} << (static_cast<size_t>(id) % 64);
}

}  // namespace

GrammarTokens::GrammarTokens(std::shared_ptr<const Grammar> grammar,
                             std::shared_ptr<const TokenTrie> trie)
    : grammar_(std::move(grammar)),
      trie_(std::move(trie)),
      automaton_(std::make_shared<GrammarAutomaton>(*grammar_)),
      path_(trie_->longest() + 1) {}

// Tokens below nodes `begin` to `end`, whose first byte follows the state `from`, that fit.
void GrammarTokens::walk(StateId from, uint32_t begin, uint32_t end, Mask& fits,
                         std::vector<uint32_t>* leaves) {
  if (begin == end) return;
  const uint32_t depth = trie_->node(begin).depth;
  path_[depth] = from;
  for (uint32_t i = begin; i < end && automaton_->spend(1);) {
    const TokenTrie::Node& node = trie_->node(i);
    const StateId to = automaton_->step(path_[node.depth], node.byte);
    if (to == GrammarAutomaton::kDead) {
      i = node.end;
      continue;
    }
    path_[node.depth + 1] = to;
    for (const TokenId id : trie_->tokens(i)) set(fits, id);
    if (leaves != nullptr && node.end > i + 1 && automaton_->state(to).leaves) leaves->push_back(i);
    ++i;
  }
}

// The thread with no more of its stack than the loops of the rule that it is in, and those only as far as
// a token that is not long can count: so that the middle of a long text is one place.
GrammarTokens::Localized GrammarTokens::localize(Thread thread) {
  std::vector<Frame> loops;
  Localized made{thread, {thread.node}, thread.stack, false};
  while (made.below > GrammarAutomaton::kOpen && automaton_->frame(made.below).loop) {
    loops.push_back(automaton_->frame(made.below));
    made.below = loops.back().below;
  }
  constexpr uint32_t kFar = kLongToken + 1;
  StackId local = GrammarAutomaton::kOpen;
  for (size_t i = loops.size(); i-- > 0;) {
    Frame loop = loops[i];
    made.counts_far |= loop.least > kFar || (loop.most >= kFar && loop.most <= trie_->longest());
    loop.least = std::min(loop.least, kFar);
    if (loop.most >= kFar) loop.most = kUnbounded;
    loop.below = local;
    local = automaton_->push(loop);
    made.key.insert(made.key.end(), {loop.node, loop.least, loop.most});
  }
  made.thread.stack = local;
  return made;
}

const GrammarTokens::Local& GrammarTokens::local(const Localized& localized) {
  const auto known = locals_.find(localized.key);
  if (known != locals_.end()) return known->second;
  Local made;
  made.fits.resize((trie_->vocabulary() + 63) / 64);
  walk(automaton_->state_of({localized.thread}, false), 0, trie_->size(), made.fits, &made.leaves);
  size_t count = 0;
  for (const uint64_t word : made.fits) count += static_cast<size_t>(std::popcount(word));
  if (count * sizeof(TokenId) < made.fits.size() * sizeof(uint64_t) / 4) {
    made.few = ids_of(made.fits);
    made.fits = {};
  }
  const size_t bytes = 256 + made.fits.size() * sizeof(uint64_t) +
                       (made.few.size() + made.leaves.size()) * sizeof(uint32_t);
  // What was cut short is used once more, in a mask that is thrown away.
  if (automaton_->exhausted()) {
    cut_short_ = std::move(made);
    return cut_short_;
  }
  if (local_bytes_ + bytes > kLocalBytesMax) {
    locals_.clear();
    local_bytes_ = 0;
  }
  local_bytes_ += bytes;
  return locals_[localized.key] = std::move(made);
}

void GrammarTokens::try_long_tokens(StateId state, Mask& fits) {
  for (const TokenId id : trie_->long_tokens()) {
    StateId at = state;
    for (const uint8_t byte : trie_->bytes(id)) {
      at = automaton_->step(at, byte);
      if (at == GrammarAutomaton::kDead) break;
    }
    const uint64_t bit = uint64_t{1} << (static_cast<size_t>(id) % 64);
    uint64_t& word = fits[static_cast<size_t>(id) / 64];
    word = at == GrammarAutomaton::kDead ? word & ~bit : word | bit;
  }
}

const GrammarTokens::Mask& GrammarTokens::mask(StateId state) {
  const auto known = masks_.find(state);
  if (known != masks_.end()) return known->second;
  if (masks_.size() >= kMasksMax) masks_.clear();
  Mask made((trie_->vocabulary() + 63) / 64);
  const std::vector<Thread> threads = automaton_->state(state).threads;
  bool counts_far = false;
  for (const Thread& thread : threads) {
    if (!automaton_->spend(made.size() / 16)) break;
    const Localized localized = localize(thread);
    counts_far |= localized.counts_far;
    const Local& part = local(localized);
    for (size_t i = 0; i < part.fits.size(); ++i) made[i] |= part.fits[i];
    for (const TokenId id : part.few) set(made, id);
    if (part.leaves.empty()) continue;
    const StateId after = automaton_->state_after(localized.below);
    for (const uint32_t leaf : part.leaves) {
      walk(after, leaf + 1, trie_->node(leaf).end, made, nullptr);
    }
  }
  if (counts_far) try_long_tokens(state, made);
  if (!automaton_->exhausted()) return masks_[state] = std::move(made);
  cut_short_.fits = std::move(made);
  return cut_short_.fits;
}

StateId GrammarTokens::move_here(const GrammarAutomaton& from, StateId state) {
  const auto move_stack = [&](StackId stack) {
    std::vector<Frame> frames;
    for (; stack > GrammarAutomaton::kOpen; stack = frames.back().below) {
      frames.push_back(from.frame(stack));
    }
    for (size_t i = frames.size(); i-- > 0;) {
      frames[i].below = stack;
      stack = automaton_->push(frames[i]);
    }
    return stack;
  };
  std::vector<Thread> threads = from.state(state).threads;
  for (Thread& thread : threads) thread.stack = move_stack(thread.stack);
  return automaton_->state_of(std::move(threads), from.state(state).complete);
}

// What was made is given up when it is too much; who still uses it takes along what it needs.
void GrammarTokens::renew_if_large() {
  if (automaton_->bytes() < kAutomatonBytesMax) return;
  automaton_ = std::make_shared<GrammarAutomaton>(*grammar_);
  masks_.clear();
}

GrammarMatcher::GrammarMatcher(std::shared_ptr<GrammarTokens> tokens)
    : tokens_(std::move(tokens)), automaton_(tokens_->automaton_), work_(kWorkFirst) {
  automaton_->allow(work_);
  state_ = automaton_->start();
  work_ = automaton_->left();
  failed_ = automaton_->exhausted();
}

void GrammarMatcher::move_on() {
  tokens_->renew_if_large();
  if (automaton_ == tokens_->automaton_) return;
  tokens_->automaton_->allow(kWorkFirst);
  state_ = tokens_->move_here(*automaton_, state_);
  automaton_ = tokens_->automaton_;
}

// What was done is paid for; when it was too much, the text cannot go on.
Result<void> GrammarMatcher::settle() {
  work_ = automaton_->left();
  failed_ |= automaton_->exhausted();
  if (!failed_) return {};
  return fail(ErrorKind::unsupported, "the format is too ambiguous to be followed");
}

Result<void> GrammarMatcher::mask(std::span<uint64_t> bits) {
  move_on();
  automaton_->allow(work_);
  const GrammarTokens::Mask& allowed = tokens_->mask(state_);
  TRY(settle());
  CHECK(bits.size() == allowed.size());
  std::copy(allowed.begin(), allowed.end(), bits.begin());
  return {};
}

Result<void> GrammarMatcher::accept(TokenId id) {
  move_on();
  work_ = std::min(work_ + kWorkPerToken, kWorkFirst);
  automaton_->allow(work_);
  StateId state = state_;
  for (const uint8_t byte : tokens_->trie().bytes(id)) state = automaton_->step(state, byte);
  TRY(settle());
  if (state == GrammarAutomaton::kDead || tokens_->trie().bytes(id).empty()) {
    return fail(ErrorKind::malformed, "a token does not fit the format");
  }
  state_ = state;
  return {};
}

bool GrammarMatcher::accept_bytes(std::string_view bytes) {
  for (const char byte : bytes) {
    move_on();
    automaton_->allow(kWorkFirst);
    const StateId next = automaton_->step(state_, static_cast<uint8_t>(byte));
    if (next == GrammarAutomaton::kDead) return false;
    state_ = next;
  }
  return true;
}

bool GrammarMatcher::complete() const {
  return automaton_->state(state_).complete;
}

bool GrammarMatcher::over() const {
  return complete() && automaton_->state(state_).threads.empty();
}

}  // namespace sotto::text

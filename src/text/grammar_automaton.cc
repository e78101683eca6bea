// Following a grammar's nodes to the places that take a byte.
// SPDX-License-Identifier: Apache-2.0
#include "text/grammar_automaton.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace sotto::text {

using Kind = Grammar::Node::Kind;

namespace {

// Of going to one place, and of finding a state by its threads, for each of them.
constexpr uint64_t kFollowWork = 8;

}  // namespace

size_t GrammarAutomaton::VectorHash::operator()(const std::vector<uint32_t>& key) const {
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint32_t part : key) {
    hash = (hash ^ part) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return hash;
}

GrammarAutomaton::GrammarAutomaton(const Grammar& grammar) : grammar_(grammar) {
  frames_.resize(2);  // kBottom and kOpen
  begin();
  const StateId dead = finish();
  CHECK(dead == kDead);
  states_[kDead].next.fill(kDead);
}

GrammarAutomaton::StateId GrammarAutomaton::start() {
  if (start_ != kUnknown) return start_;
  begin();
  go_to(grammar_.root(), kBottom);
  const StateId made = finish();
  if (!exhausted_) start_ = made;
  return made;
}

GrammarAutomaton::StackId GrammarAutomaton::push(const Frame& frame) {
  const auto [known, is_new] = stack_numbers_.try_emplace(
      {frame.node, frame.least, frame.most, frame.below, frame.loop ? 1u : 0u},
      static_cast<StackId>(frames_.size()));
  if (is_new) frames_.push_back(frame);
  return known->second;
}

void GrammarAutomaton::begin() {
  made_ = State();
  visited_.clear();
  pending_.clear();
}

// Follows what is pending, and numbers the state that this makes.
GrammarAutomaton::StateId GrammarAutomaton::finish() {
  while (!pending_.empty() && !exhausted_) {
    const Thread at = pending_.back();
    pending_.pop_back();
    if (spend(kFollowWork)) follow(at.node, at.stack);
  }
  if (made_.threads.size() > kThreadsMax) exhausted_ = true;
  if (exhausted_ || !spend(2 * made_.threads.size())) return kDead;
  std::sort(made_.threads.begin(), made_.threads.end());
  std::vector<uint32_t> key;
  key.reserve(2 * made_.threads.size() + 1);
  key.push_back((made_.complete ? 1u : 0u) | (made_.leaves ? 2u : 0u));
  for (const Thread& thread : made_.threads) {
    key.push_back(thread.node);
    key.push_back(thread.stack);
  }
  const auto [known, is_new] =
      state_numbers_.try_emplace(std::move(key), static_cast<StateId>(states_.size()));
  if (is_new) {
    made_.next.fill(kUnknown);
    threads_ += made_.threads.size();
    states_.push_back(std::move(made_));
  }
  return known->second;
}

GrammarAutomaton::StateId GrammarAutomaton::state_of(std::vector<Thread> threads, bool complete) {
  begin();
  made_.threads = std::move(threads);
  made_.complete = complete;
  return finish();
}

GrammarAutomaton::StateId GrammarAutomaton::state_after(StackId stack) {
  begin();
  if (stack == kBottom) {
    made_.complete = true;
  } else {
    const Frame frame = frames_[stack];
    CHECK(!frame.loop);
    go_to(frame.node, frame.below);
  }
  return finish();
}

GrammarAutomaton::StateId GrammarAutomaton::make_step(StateId from, uint8_t byte) {
  begin();
  for (size_t i = 0; i < states_[from].threads.size(); ++i) {
    const Thread thread = states_[from].threads[i];
    const Grammar::Node& node = grammar_.node(thread.node);
    if (grammar_.byte_set(node).test(byte)) go_to(node.next, thread.stack);
  }
  const StateId to = finish();
  if (!exhausted_) states_[from].next[byte] = to;
  return to;
}

void GrammarAutomaton::begin_loop(uint32_t node, uint32_t least, uint32_t most, StackId below) {
  const Grammar::Node& loop = grammar_.node(node);
  if (least == 0) go_to(loop.next, below);
  if (most > 0) go_to(loop.target, push({node, least, most, below, true}));
}

void GrammarAutomaton::end_loop(StackId stack) {
  const Frame frame = frames_[stack];
  CHECK(frame.loop);
  const uint32_t least = frame.least == 0 ? 0 : frame.least - 1;
  const uint32_t most = frame.most == kUnbounded ? kUnbounded : frame.most - 1;
  begin_loop(frame.node, least, most, frame.below);
}

void GrammarAutomaton::follow(uint32_t at, StackId stack) {
  if (!visited_.insert(uint64_t{at} << 32 | stack).second) return;
  const Grammar::Node& node = grammar_.node(at);
  switch (node.kind) {
    case Kind::bytes:
      made_.threads.push_back({at, stack});
      return;
    case Kind::split:
      for (const uint32_t way : grammar_.branches(node)) go_to(way, stack);
      return;
    case Kind::call: {
      // Who has nothing left to do needs no place to return to: lists do not make stacks deep.
      const bool last = grammar_.node(node.next).kind == Kind::rule_end;
      go_to(node.target, last ? stack : push({node.next, 0, 0, stack, false}));
      return;
    }
    case Kind::loop:
      begin_loop(at, node.least, node.most, stack);
      return;
    case Kind::loop_end:
      end_loop(stack);
      return;
    case Kind::rule_end: {
      if (stack == kBottom) {
        made_.complete = true;
      } else if (stack == kOpen) {
        made_.leaves = true;
      } else {
        const Frame frame = frames_[stack];
        go_to(frame.node, frame.below);
      }
      return;
    }
  }
}

}  // namespace sotto::text

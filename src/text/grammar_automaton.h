// The states that a grammar's text goes through, made as they are needed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "text/grammar.h"

namespace sotto::text {

// A grammar is matched by threads, each at a place that takes a byte, with the places to return to
// behind it; a state is the set of all threads that the text so far allows. States and stacks are
// numbered, so that one step costs a look into a table once it was made. A grammar may come from anybody and
// be as ambiguous as they like, so all making is paid from an allowance. Not thread-safe; borrows the grammar.
class GrammarAutomaton {
 public:
  using StateId = uint32_t;
  using StackId = uint32_t;

  static constexpr StateId kDead =
      0;  // nothing can follow, and the text is not one of the grammar's
  // Stacks that end: a text is complete, or it goes on with what is not known here.
  static constexpr StackId kBottom = 0;
  static constexpr StackId kOpen = 1;
  static constexpr size_t kThreadsMax = 4096;

  // A place to go on at, `node`, once what stands above it is over. Of a loop also how often it has to
  // and may go on.
  struct Frame {
    uint32_t node;
    uint32_t least, most;  // of a loop
    StackId below;
    bool loop;
  };
  struct Thread {
    uint32_t node;
    StackId stack;
    auto operator<=>(const Thread&) const = default;
  };
  struct State {
    std::vector<Thread> threads;
    bool complete = false;  // the text may end here
    bool leaves = false;    // a thread has come to kOpen: what follows is decided elsewhere
    std::array<StateId, 256> next;
  };

  explicit GrammarAutomaton(const Grammar& grammar);

  // What may be done from now on, in units of some 10 ns. Once it is spent, or a state would have too many
  // threads, exhausted() is true until the next call, and states that come out are kDead and not kept.
  void allow(uint64_t work) {
    left_ = work;
    exhausted_ = false;
  }
  bool spend(uint64_t work) {
    if (left_ >= work) {
      left_ -= work;
      return true;
    }
    left_ = 0;
    exhausted_ = true;
    return false;
  }
  uint64_t left() const { return left_; }
  bool exhausted() const { return exhausted_; }

  StateId start();
  const State& state(StateId id) const { return states_[id]; }
  const Frame& frame(StackId id) const { return frames_[id]; }
  // The state of these threads, and the one of all that follows when what stands above `stack` is over.
  StateId state_of(std::vector<Thread> threads, bool complete);
  StateId state_after(StackId stack);
  StackId push(const Frame& frame);

  StateId step(StateId from, uint8_t byte) {
    const StateId known = states_[from].next[byte];
    return known != kUnknown ? known : make_step(from, byte);
  }

  // What all states and stacks take, about.
  size_t bytes() const {
    return states_.size() * sizeof(State) + threads_ * 2 * sizeof(Thread) +
           frames_.size() * (sizeof(Frame) + 64);
  }

 private:
  static constexpr StateId kUnknown = ~StateId{0};

  StateId make_step(StateId from, uint8_t byte);
  void begin();
  // To be followed by finish(), which goes wherever that leads.
  void go_to(uint32_t node, StackId stack) { pending_.push_back({node, stack}); }
  void follow(uint32_t node, StackId stack);
  void end_loop(StackId stack);
  void begin_loop(uint32_t node, uint32_t least, uint32_t most, StackId below);
  StateId finish();

  struct VectorHash {
    size_t operator()(const std::vector<uint32_t>& key) const;
  };

  const Grammar& grammar_;
  std::deque<State> states_;
  std::deque<Frame> frames_;
  std::unordered_map<std::vector<uint32_t>, StateId, VectorHash> state_numbers_;
  std::unordered_map<std::vector<uint32_t>, StackId, VectorHash> stack_numbers_;
  StateId start_ = kUnknown;
  size_t threads_ = 0;  // of all states
  uint64_t left_ = 0;
  bool exhausted_ = false;

  State made_;  // the state in the making
  std::vector<Thread> pending_;
  std::unordered_set<uint64_t> visited_;
};

}  // namespace sotto::text

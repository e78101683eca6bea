// Which tokens may come next so that a text keeps to a grammar.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "text/grammar.h"
#include "text/grammar_automaton.h"
#include "text/token_trie.h"

namespace sotto::text {

// A grammar with a vocabulary: what was found out about which tokens fit where is kept, within bounds,
// for all texts that use it. For one thread at a time.
//
// What a token may do is mostly decided by the rule that it begins in. That part is worked out once for
// each place in a rule, by one walk over all tokens; only for tokens that lead out of the rule, such as
// those that close a string, the stack at hand is asked.
class GrammarTokens {
 public:
  GrammarTokens(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie);

  const TokenTrie& trie() const { return *trie_; }

 private:
  friend class GrammarMatcher;
  using Mask = std::vector<uint64_t>;  // a bit per token

  // Of one place in a rule: the tokens that fit whatever the stack below is, and the nodes of the trie at
  // which the rule may be over while the token goes on.
  struct Local {
    Mask fits;                 // empty where they are few
    std::vector<TokenId> few;  // then these
    std::vector<uint32_t> leaves;
  };

  const Mask& mask(GrammarAutomaton::StateId state);
  void walk(GrammarAutomaton::StateId from, uint32_t begin, uint32_t end, Mask& fits,
            std::vector<uint32_t>* leaves);
  struct Localized {
    GrammarAutomaton::Thread thread;
    std::vector<uint32_t> key;        // the same without numbers of the automaton
    GrammarAutomaton::StackId below;  // what was left out
    bool counts_far;  // further than is kept, and less than the longest token can go
  };
  Localized localize(GrammarAutomaton::Thread thread);
  const Local& local(const Localized& localized);
  void try_long_tokens(GrammarAutomaton::StateId state, Mask& fits);
  // A state of another automaton of the same grammar in this one.
  GrammarAutomaton::StateId move_here(const GrammarAutomaton& from,
                                      GrammarAutomaton::StateId state);
  void renew_if_large();

  const std::shared_ptr<const Grammar> grammar_;
  const std::shared_ptr<const TokenTrie> trie_;
  std::shared_ptr<GrammarAutomaton> automaton_;
  std::map<std::vector<uint32_t>, Local> locals_;  // they outlive an automaton
  size_t local_bytes_ = 0;
  Local cut_short_;  // for want of an allowance
  std::unordered_map<GrammarAutomaton::StateId, Mask> masks_;
  std::vector<GrammarAutomaton::StateId> path_;  // of a walk: the state behind each byte
};

// One text. For the thread of its GrammarTokens.
class GrammarMatcher {
 public:
  explicit GrammarMatcher(std::shared_ptr<GrammarTokens> tokens);

  // Sets the bit of each token that may come next, of `bits` that are all clear. `unsupported` when the
  // grammar is too ambiguous to go on.
  Result<void> mask(std::span<uint64_t> bits);
  // `malformed` when the token may not come next; nothing has changed then.
  Result<void> accept(TokenId id);
  // The same for bytes; as far as they fit.
  bool accept_bytes(std::string_view bytes);
  bool complete() const;  // the text so far is one of the grammar's
  bool over() const;      // and nothing can follow

 private:
  void move_on();
  Result<void> settle();

  std::shared_ptr<GrammarTokens> tokens_;
  std::shared_ptr<GrammarAutomaton> automaton_;
  GrammarAutomaton::StateId state_;
  uint64_t work_;        // what it may still cost
  bool failed_ = false;  // it cost too much
};

}  // namespace sotto::text

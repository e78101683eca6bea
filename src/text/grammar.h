// A grammar made ready to be matched byte by byte: rules as networks that call each other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/grammar_expression.h"

namespace sotto::text {

inline constexpr size_t kGrammarRulesMax = 1 << 14;
inline constexpr size_t kGrammarNodesMax = 1 << 20;
inline constexpr size_t kGrammarDepthMax = 256;  // of expressions in each other
inline constexpr size_t kGrammarTextMax = 1 << 20;

// Immutable; may be read from any thread.
class Grammar {
 public:
  using Bytes = std::bitset<256>;

  // One place in a rule. What `next` and `target` mean depends on the kind.
  struct Node {
    enum class Kind : uint8_t {
      bytes,     // takes one of byte_set(target), then next
      split,     // goes on at each of branches(*this)
      call,      // the rule that begins at target, then next
      loop,      // what begins at target, `least` to `most` times, then next
      loop_end,  // one time is over
      rule_end,  // the rule is over
    };
    Kind kind;
    uint32_t next = 0;
    uint32_t target = 0;
    uint32_t least = 0;
    uint32_t most = 0;
  };

  // `malformed`: a rule that begins with itself, so that it never gets anywhere; `exhausted`: too large,
  // or nested too deeply.
  static Result<Grammar> compile(const Rules& rules);
  // GBNF, the notation of llama.cpp: `malformed` says what is wrong at which line.
  static Result<Grammar> parse(std::string_view gbnf);

  uint32_t root() const { return root_; }
  const Node& node(uint32_t index) const { return nodes_[index]; }
  const Bytes& byte_set(const Node& node) const { return sets_[node.target]; }
  std::span<const uint32_t> branches(const Node& node) const {
    return std::span(branches_).subspan(node.target, node.next);
  }

 private:
  class Compiler;
  Grammar() = default;

  std::vector<Node> nodes_;
  std::vector<Bytes> sets_;
  std::vector<uint32_t> branches_;
  uint32_t root_ = 0;
};

// GBNF as rules, "root" first.
Result<Rules> parse_gbnf(std::string_view text);

}  // namespace sotto::text

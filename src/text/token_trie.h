// The bytes of a vocabulary's tokens as one tree, to walk all of them at once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/token.h"
#include "text/tokenizer.h"

namespace sotto::text {

inline constexpr uint32_t kLongToken = 32;

// Immutable; may be read from any thread. Tokens without bytes of their own (control tokens, those that
// end an answer, unused ones) are not in it.
class TokenTrie {
 public:
  explicit TokenTrie(const Tokenizer& tokenizer);

  // Nodes stand in the order of a walk that goes down first: below node i are those from i + 1 to its
  // end.
  struct Node {
    uint8_t byte;
    uint16_t depth;   // of the first byte 0
    uint32_t end;     // index behind its last descendant
    uint32_t tokens;  // where its tokens begin
  };
  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()) - 1; }
  const Node& node(uint32_t index) const { return nodes_[index]; }
  std::span<const TokenId> tokens(uint32_t index) const {
    return std::span(ids_).subspan(nodes_[index].tokens,
                                   nodes_[index + 1].tokens - nodes_[index].tokens);
  }

  uint32_t vocabulary() const { return vocabulary_; }
  uint32_t longest() const { return longest_; }  // bytes
  // Tokens of more than kLongToken bytes: there are few.
  std::span<const TokenId> long_tokens() const { return long_tokens_; }
  // Of one token, empty where it is not in the trie.
  std::span<const uint8_t> bytes(TokenId id) const;

 private:
  std::vector<Node> nodes_;  // and one behind the last
  std::vector<TokenId> ids_;
  std::vector<uint32_t> offsets_;  // of each token's bytes
  std::vector<uint8_t> bytes_;
  std::vector<TokenId> long_tokens_;
  uint32_t vocabulary_ = 0;
  uint32_t longest_ = 0;
};

}  // namespace sotto::text

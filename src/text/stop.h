// Stop strings, found also where they run over the borders of tokens.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sotto::text {

// One answer, one thread. Text that may yet become a stop string is held back. The stop string that
// is complete first counts; of several that end at the same byte, the longest. So what is returned
// does not depend on how the text was cut into pieces. The time per byte does not depend on the
// number of stop strings.
class StopMatcher {
 public:
  // Empty strings are ignored.
  explicit StopMatcher(const std::vector<std::string>& stops);

  // The text that is certain to stand before any stop string. After a match stopped() is true, the
  // text before the match has been returned, and everything after is dropped.
  std::string push(std::string_view text);
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  // A node of the trie of all stop strings [Aho and Corasick 1975].
  struct Node {
    std::vector<std::pair<char, uint32_t>> next;
    uint32_t shorter = 0;      // the longest proper suffix of this node that is in the trie
    uint32_t bytes = 0;        // depth
    uint32_t match_bytes = 0;  // of the longest stop string that ends here; 0 for none
  };

  uint32_t child(uint32_t node, char byte) const;  // 0 when there is none
  uint32_t step(uint32_t node, char byte) const;
  void link();

  std::vector<Node> nodes_;
  uint32_t state_ = 0;  // what of the text's end is the beginning of a stop string
  std::string held_;    // that text
  bool stopped_ = false;
};

}  // namespace sotto::text

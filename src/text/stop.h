// Stop strings, found also where they run over the borders of tokens.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sotto::text {

// One answer, one thread. Text that may yet become a stop string is held back.
class StopMatcher {
 public:
  // Empty strings are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  // The text that is certain to stand before any stop string. After a match stopped() is true, the
  // text before the match has been returned, and everything after is dropped.
  std::string push(std::string_view text);
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace sotto::text

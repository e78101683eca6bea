// What one rendering may spend, so that no template and no message can hang or fill the machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.h"

namespace sotto::text::jinja {

class Budget {
 public:
  Budget(uint64_t steps, uint64_t bytes) : steps_(steps), bytes_(bytes) {}

  // An evaluated node, a visited item, a comparison.
  Result<void> step(uint64_t count = 1) {
    if (count > steps_) {
      steps_ = 0;
      return fail(ErrorKind::exhausted, "the template takes too many steps");
    }
    steps_ -= count;
    return {};
  }

  // Reading this many bytes of text.
  Result<void> scan(uint64_t count) {
    unpaid_ += count % kBytesPerStep;
    const uint64_t steps = count / kBytesPerStep + unpaid_ / kBytesPerStep;
    unpaid_ %= kBytesPerStep;
    return step(steps);
  }

  // Values of this many bytes about to be made. Nothing is given back when they go: what a
  // rendering makes altogether bounds what it can hold at once.
  Result<void> bytes(uint64_t count) {
    TRY(scan(count));
    if (count > bytes_) {
      bytes_ = 0;
      return fail(ErrorKind::exhausted, "the template makes too much data");
    }
    bytes_ -= count;
    return {};
  }

  // A list, tuple or view of `count` items about to be made.
  Result<void> items(uint64_t count) {
    return count > bytes_ / kItemBytes ? bytes(UINT64_MAX) : bytes(count * kItemBytes);
  }

 private:
  static constexpr uint64_t kBytesPerStep = 16;
  static constexpr uint64_t kItemBytes = 64;

  uint64_t steps_;
  uint64_t bytes_;
  uint64_t unpaid_ = 0;  // bytes scanned that do not make a step yet
};

}  // namespace sotto::text::jinja

// What an answer is held to while it is sampled.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/token.h"

namespace sotto::engine {

// One sequence's; called on the engine's thread, one call at a time.
class Constraint {
 public:
  virtual ~Constraint() = default;
  // Clears the bit of each token that must not come next: bit id % 64 of word id / 64, all of them
  // set before. False when it cleared none. An error ends the answer.
  virtual Result<bool> mask(std::span<uint64_t> allowed) = 0;
  // The token that was sampled, stop tokens included.
  virtual Result<void> accept(TokenId id) = 0;
};

}  // namespace sotto::engine

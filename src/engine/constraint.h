// What may come next in one sequence: how a grammar or a budget has a say in sampling.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/token.h"

namespace sotto::engine {

// One sequence's; lives on the engine's thread once its request was submitted, and goes with the
// sequence. Its calls depend on the tokens alone, so that an answer can be repeated.
class Constraint {
 public:
  virtual ~Constraint() = default;

  // Clears the bits of tokens that may not come next (bit i % 64 of word i / 64; all are set
  // before). False when every token may come, and then nothing has changed. At least one bit stays.
  virtual bool mask(std::span<uint64_t> allowed) = 0;
  // The token that came next.
  virtual void accept(TokenId token) = 0;
};

}  // namespace sotto::engine

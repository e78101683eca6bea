// How many tokens it pays to guess ahead: from measured times of steps and the chances of guesses.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/prompt_lookup.h"

namespace sotto::engine {

// How long a step of the model takes, by the number of tokens in it, as it took of late. Decides
// about speed only; what is answered never depends on it.
class StepTimes {
 public:
  static constexpr uint32_t kTokensMax = 64;  // larger steps are not kept

  void add(uint32_t tokens, double seconds);
  // Of a step with so many tokens, 1 to kTokensMax; 0 when nothing near it was measured. Sizes that
  // were not measured are thought to be cheap rather than dear, so that they are tried.
  double expected(uint32_t tokens) const;

 private:
  static constexpr uint32_t kKept = 4;  // the least of so many counts: other programs disturb
  // A measurement is believed for so many steps for each that is kept.
  static constexpr uint64_t kStepsBelieved = 128;

  struct Recent {
    std::array<double, kKept> seconds = {};
    uint32_t count = 0;
    uint64_t last_step = 0;
  };

  bool known(uint32_t tokens) const;
  double least(uint32_t tokens) const;

  std::array<Recent, kTokensMax + 1> recent_;
  uint64_t steps_ = 0;
};

// A sequence that takes part in a step, and how much may be guessed for it.
struct DraftCandidate {
  const PromptLookup* lookup;
  uint32_t tokens_max;  // 0 when there is nothing to guess
  uint32_t tokens = 0;  // the choice
  double reaches = 1;   // how likely all the chosen tokens are right
};

// Shares out at most `budget` guessed tokens to the sequences of a step, always the likeliest next:
// so many that the step gives the most tokens per second. Without times as many as there are.
void choose_drafts(std::span<DraftCandidate> candidates, uint32_t budget, const StepTimes* times);

}  // namespace sotto::engine

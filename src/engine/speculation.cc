// Measured times, and the choice that they lead to.
// SPDX-License-Identifier: Apache-2.0
#include "engine/speculation.h"

#include <algorithm>

#include "base/check.h"

namespace sotto::engine {
namespace {

// What a further token is thought to add to a step, as a share of a step of one, until it was
// measured: little, as where reading the weights is what takes the time.
constexpr double kTokenShareAtFirst = 0.1;

// So much faster a step has to promise to be: measurements and chances are not exact.
constexpr double kGainMin = 1.05;

// A guess that hardly ever comes true is not worth looking at.
constexpr double kReachesMin = 0.02;

}  // namespace

void StepTimes::add(uint32_t tokens, double seconds) {
  ++steps_;
  if (tokens > kTokensMax) return;
  Recent& recent = recent_[tokens];
  if (!known(tokens)) recent.count = 0;
  recent.seconds[recent.count % kKept] = seconds;
  // Stays at kKept or above once it is there, and goes round.
  if (++recent.count == 2 * kKept) recent.count = kKept;
  recent.last_step = steps_;
}

bool StepTimes::known(uint32_t tokens) const {
  const Recent& recent = recent_[tokens];
  const uint64_t kept = std::min(recent.count, kKept);
  return kept > 0 && steps_ - recent.last_step <= kept * kStepsBelieved;
}

double StepTimes::least(uint32_t tokens) const {
  const Recent& recent = recent_[tokens];
  return *std::min_element(recent.seconds.begin(),
                           recent.seconds.begin() + std::min(recent.count, kKept));
}

double StepTimes::expected(uint32_t tokens) const {
  CHECK(tokens >= 1 && tokens <= kTokensMax);
  uint32_t below = tokens;
  while (below > 0 && !known(below)) --below;
  if (below == 0) return 0;
  const double base = least(below);
  if (below == tokens) return base;
  uint32_t above = tokens;
  while (above <= kTokensMax && !known(above)) ++above;
  if (above <= kTokensMax) {
    // A larger step that was quicker was quicker by chance.
    const double rise = std::max(least(above) - base, 0.0) / (above - below);
    return base + rise * (tokens - below);
  }
  // On with what a token has added so far.
  const double share = below == 1 || !known(1)
                           ? kTokenShareAtFirst * base / (1 + kTokenShareAtFirst * (below - 1))
                           : std::max(base - least(1), 0.0) / (below - 1);
  return base + share * (tokens - below);
}

void choose_drafts(std::span<DraftCandidate> candidates, uint32_t budget, const StepTimes* times) {
  const auto sequences = static_cast<uint32_t>(candidates.size());
  if (times != nullptr) {
    if (sequences >= StepTimes::kTokensMax) return;
    budget = std::min(budget, StepTimes::kTokensMax - sequences);
  }
  const auto rate = [&](uint32_t guessed, double right) {
    return (sequences + right) / times->expected(sequences + guessed);
  };
  if (times != nullptr && times->expected(sequences) == 0) return;
  double best = times == nullptr ? 0 : kGainMin * rate(0, 0);
  double right = 0;  // how many of the guessed tokens will be, on average
  std::array<DraftCandidate*, StepTimes::kTokensMax> order;
  budget = std::min(budget, StepTimes::kTokensMax);
  uint32_t count = 0;
  uint32_t chosen = 0;
  while (count < budget) {
    DraftCandidate* next = nullptr;
    double likeliest = times == nullptr ? 0 : kReachesMin;
    for (DraftCandidate& candidate : candidates) {
      if (candidate.tokens == candidate.tokens_max) continue;
      const double reaches =
          candidate.reaches * static_cast<double>(candidate.lookup->chance(candidate.tokens));
      if (reaches < likeliest) continue;
      likeliest = reaches;
      next = &candidate;
    }
    if (next == nullptr) break;
    ++next->tokens;
    next->reaches = likeliest;
    right += likeliest;
    order[count++] = next;
    if (times == nullptr) {
      chosen = count;
    } else if (const double now = rate(count, right); now > best) {
      best = now;
      chosen = count;
    }
  }
  for (uint32_t i = chosen; i < count; ++i) --order[i]->tokens;
}

}  // namespace sotto::engine

// Which tokens may be drawn, how likely each is, and the draw itself [docs/reference/sampling.md].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "base/secret_vector.h"
#include "base/token.h"

namespace sotto::engine {

struct Filters {
  float temperature = 1.0f;  // above 0
  uint32_t top_k = 0;        // 0: all
  float top_p = 1.0f;
  float min_p = 0.0f;
};

// A token and its score. Better means a higher score, or the lower id among equals, so that the
// order of a vocabulary is always one and the same.
struct Ranked {
  float score;
  TokenId id;
};
inline bool better(Ranked a, Ranked b) {
  return a.score > b.score || (a.score == b.score && a.id < b.id);
}

bool all_finite(std::span<const float> scores);

// The best token of at least one; every score is finite.
Ranked best_of(std::span<const float> scores);

// log of the sum of exp(score) over all, in double, in a fixed order.
double log_sum_exp(std::span<const float> scores);

// Draws from a vocabulary's scores, keeping its buffers from one call to the next: it allocates
// only when a vocabulary or a choice is larger than any before. For one thread at a time; shared by
// all sequences of an engine. Results depend on the arguments alone.
class Distribution {
 public:
  // `unit` in [0, 1) decides: tokens are laid side by side in the order of their ids, each as wide
  // as its share of what the filters leave. Every score is finite and there is at least one.
  TokenId draw(std::span<const float> scores, const Filters& filters, double unit);

  // The `count` best tokens, best first. Valid until the next call.
  std::span<const Ranked> top(std::span<const float> scores, uint32_t count);

  // A buffer for the scores that a caller derives from a model's logits.
  std::span<float> scores(uint64_t count);

 private:
  struct Candidate {
    float score;
    float weight;
    TokenId id;
  };

  void weigh_all(std::span<const float> scores, float highest, float inverse_temperature);
  Ranked worst_of_top(std::span<const float> scores, uint32_t count);
  void keep_mass(double mass);
  void sort_by_rank();

  SecretVector<float> scores_;
  SecretVector<float> weights_;
  SecretVector<Candidate> candidates_;  // by id
  SecretVector<Candidate> sorted_;      // the same by rank
  SecretVector<Candidate> scratch_;
  SecretVector<Ranked> best_;
};

}  // namespace sotto::engine

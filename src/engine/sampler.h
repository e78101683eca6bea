// From logits to a token: exact about ties and order, so that the same seed gives the same text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret_vector.h"
#include "base/token.h"
#include "engine/constraint.h"
#include "engine/distribution.h"

namespace sotto::engine {

struct SamplingParams {
  float temperature = 0.6f;  // 0: always the likeliest token
  uint32_t top_k = 0;        // 0: all
  float top_p = 1.0f;        // keep the smallest set whose probability reaches this
  float min_p = 0.0f;        // drop tokens less likely than this share of the likeliest
  float repetition_penalty = 1.0f;
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  // Of the last tokens, prompt included, for repetition_penalty; 0: all.
  uint32_t penalty_window = 64;
  std::vector<std::pair<TokenId, float>> logit_bias;
  uint64_t seed = 0;
  uint32_t top_logprobs = 0;  // how many alternatives to report, at most kTopLogprobsMax
  bool logprobs = false;      // whether to report the chosen token's log probability
};

inline constexpr uint32_t kTopLogprobsMax = 20;
inline constexpr uint32_t kLogitBiasMax = 1024;  // entries
inline constexpr float kTemperatureMax = 5;

// `malformed` names the parameter that is out of its range [docs/reference/sampling.md].
Result<void> validate(const SamplingParams& params);

struct TokenLogprob {
  TokenId id;
  float logprob;
};

struct Sampled {
  TokenId id = 0;
  float logprob = 0;               // natural logarithm, of the unmodified logits; 0 if not asked
  SecretVector<TokenLogprob> top;  // likeliest first; ties by lower id
};

// One sequence's sampler: parameters, the tokens seen so far, and the counter of its random numbers
// (Philox 4x32-10 keyed by the seed, so that a draw depends on the seed and its index alone).
class Sampler {
 public:
  // The parameters have been validated. Memory for `tokens` tokens is set aside at once, so that
  // sample() allocates nothing for them but the alternatives it reports.
  Sampler(SamplingParams params, uint32_t vocabulary, uint32_t tokens,
          std::shared_ptr<Constraint> constraint = nullptr);

  // Tells the sampler a token of the prompt or one that was not sampled by it.
  void accept(TokenId id);
  // Chooses the next token and accepts it. `internal` when a logit is not a finite number, or an error
  // of the constraint. Any Distribution will do; sequences that take turns share one.
  Result<Sampled> sample(std::span<const float> logits, Distribution& distribution);

 private:
  bool penalizes() const;
  Result<std::span<const float>> scores_of(std::span<const float> logits,
                                           Distribution& distribution);
  Result<void> forbid(std::span<float> scores);
  void penalize(std::span<float> scores);
  void report(std::span<const float> logits, Distribution& distribution, Sampled& sampled) const;

  SamplingParams params_;
  uint32_t vocabulary_;
  std::shared_ptr<Constraint> constraint_;
  std::vector<uint64_t> allowed_;  // of the constraint
  uint64_t draws_ = 0;
  SecretVector<TokenId> seen_;               // only what the penalties need
  SecretVector<uint32_t> generated_counts_;  // by token id; empty without its penalties
  SecretVector<uint32_t> marks_;             // by token id: the last loop that came across it
  uint32_t mark_ = 0;
};

}  // namespace sotto::engine

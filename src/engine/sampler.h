// From logits to a token: exact about ties and order, so that the same seed gives the same text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/token.h"

namespace sotto::engine {

struct SamplingParams {
  float temperature = 0.6f;  // 0: always the likeliest token
  uint32_t top_k = 0;        // 0: all
  float top_p = 1.0f;        // keep the smallest set whose probability reaches this
  float min_p = 0.0f;        // drop tokens less likely than this share of the likeliest
  float repetition_penalty = 1.0f;
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  uint32_t penalty_window =
      64;  // of the last tokens, prompt included, for repetition_penalty; 0: all
  std::vector<std::pair<TokenId, float>> logit_bias;
  uint64_t seed = 0;
  uint32_t top_logprobs = 0;  // how many alternatives to report, at most 20
  bool logprobs = false;      // whether to report the chosen token's log probability
};

// `malformed` names the parameter that is out of its range.
Result<void> validate(const SamplingParams& params);

struct TokenLogprob {
  TokenId id;
  float logprob;
};

struct Sampled {
  TokenId id = 0;
  float logprob = 0;              // natural logarithm, of the unmodified logits; 0 if not asked
  std::vector<TokenLogprob> top;  // likeliest first; ties by lower id
};

// One sequence's sampler: parameters, the tokens seen so far, and the counter of its random numbers
// (Philox 4x32-10 keyed by the seed, so that a draw depends on the seed and its index alone).
class Sampler {
 public:
  explicit Sampler(SamplingParams params);

  // Tells the sampler a token of the prompt or one that was not sampled by it.
  void accept(TokenId id);
  // Chooses the next token and accepts it. `internal` when a logit is not a finite number.
  Result<Sampled> sample(std::span<const float> logits);

 private:
  SamplingParams params_;
  uint64_t draws_ = 0;
  std::vector<TokenId> seen_;
  std::vector<uint32_t> generated_counts_;             // by token id, grown on demand
  std::vector<std::pair<float, TokenId>> candidates_;  // reused between calls
  uint32_t prompt_tokens_ = 0;
};

}  // namespace sotto::engine

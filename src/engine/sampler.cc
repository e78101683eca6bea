// Penalties, biases, the draw and the log probabilities of one sequence.
// SPDX-License-Identifier: Apache-2.0
#include "engine/sampler.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "engine/philox.h"

namespace sotto::engine {
namespace {

// Below this a temperature is as good as 0: a token whose logit is 0.1 behind would have a share of
// e^-100.
constexpr float kTemperatureMin = 0.001f;

Result<void> within_range(std::string_view name, float value, float low, float high) {
  // Written so that what is not a number fails too.
  if (value >= low && value <= high) return {};
  return fail(ErrorKind::malformed, "{} is {}, not from {} to {}", name, value, low, high);
}

}  // namespace

Result<void> validate(const SamplingParams& params) {
  TRY(within_range("temperature", params.temperature, 0, kTemperatureMax));
  TRY(within_range("top_p", params.top_p, 0, 1));
  TRY(within_range("min_p", params.min_p, 0, 1));
  TRY(within_range("repetition_penalty", params.repetition_penalty, 0.1f, 10));
  TRY(within_range("frequency_penalty", params.frequency_penalty, -2, 2));
  TRY(within_range("presence_penalty", params.presence_penalty, -2, 2));
  if (params.top_logprobs > kTopLogprobsMax) {
    return fail(ErrorKind::malformed, "top_logprobs is {}, at most {} are given",
                params.top_logprobs, kTopLogprobsMax);
  }
  if (params.logit_bias.size() > kLogitBiasMax) {
    return fail(ErrorKind::malformed, "logit_bias has {} entries, at most {} are taken",
                params.logit_bias.size(), kLogitBiasMax);
  }
  for (const auto& [id, bias] : params.logit_bias) {
    if (id < 0) return fail(ErrorKind::malformed, "logit_bias has a negative token id");
    TRY(within_range("logit_bias", bias, -100, 100));
  }
  return {};
}

Sampler::Sampler(SamplingParams params, uint32_t vocabulary, uint32_t tokens,
                 std::shared_ptr<Constraint> constraint)
    : params_(std::move(params)), vocabulary_(vocabulary), constraint_(std::move(constraint)) {
  if (constraint_ != nullptr) allowed_.resize((vocabulary + 63) / 64);
  if (!penalizes()) return;
  seen_.reserve(tokens);
  generated_counts_.resize(vocabulary);
  marks_.resize(vocabulary);
}

bool Sampler::penalizes() const {
  return params_.repetition_penalty != 1 || params_.frequency_penalty != 0 ||
         params_.presence_penalty != 0;
}

void Sampler::accept(TokenId id) {
  CHECK(id >= 0 && static_cast<uint32_t>(id) < vocabulary_);
  if (!penalizes()) return;
  seen_.push_back(id);
}

// The logits, or what penalties, biases and the constraint make of them.
Result<std::span<const float>> Sampler::scores_of(std::span<const float> logits,
                                                  Distribution& distribution) {
  bool forbids = false;
  if (constraint_ != nullptr) {
    std::fill(allowed_.begin(), allowed_.end(), ~uint64_t{0});
    forbids = TRY(constraint_->mask(allowed_));
  }
  if (!penalizes() && params_.logit_bias.empty() && !forbids) return logits;
  const std::span<float> changed = distribution.scores(logits.size());
  std::copy(logits.begin(), logits.end(), changed.begin());
  penalize(changed);
  for (const auto& [id, bias] : params_.logit_bias) {
    CHECK(static_cast<uint32_t>(id) < vocabulary_);
    changed[static_cast<size_t>(id)] += bias;
  }
  if (forbids) TRY(forbid(changed));
  return changed;
}

// Forbidden tokens get so low a score that they have no share of any draw.
Result<void> Sampler::forbid(std::span<float> scores) {
  bool any = false;
  for (size_t word = 0; word < allowed_.size(); ++word) {
    const size_t begin = word * 64;
    const size_t count = std::min<size_t>(64, scores.size() - begin);
    const uint64_t inside = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
    const uint64_t bits = allowed_[word] & inside;
    any |= bits != 0;
    if (bits == inside) continue;
    for (size_t i = 0; i < count; ++i) {
      float& score = scores[begin + i];
      score = (bits >> i & 1) != 0 ? score : std::numeric_limits<float>::lowest();
    }
  }
  if (any) return {};
  return fail(ErrorKind::internal, "no token can go on as the request's format asks");
}

Result<Sampled> Sampler::sample(std::span<const float> logits, Distribution& distribution) {
  CHECK(logits.size() == vocabulary_ && vocabulary_ > 0);
  const std::span<const float> scores = TRY(scores_of(logits, distribution));
  // What is not finite in the logits is not finite in the scores either, unless it was forbidden.
  if (!all_finite(constraint_ == nullptr ? scores : logits)) {
    return fail(ErrorKind::internal, "the model gave a logit that is not a finite number");
  }
  Sampled sampled;
  if (params_.temperature < kTemperatureMin) {
    sampled.id = best_of(scores).id;
  } else {
    const Filters filters{params_.temperature, params_.top_k, params_.top_p, params_.min_p};
    sampled.id = distribution.draw(scores, filters, uniform(params_.seed, draws_++));
  }
  if (params_.logprobs || params_.top_logprobs > 0) report(logits, distribution, sampled);
  if (penalizes()) {
    seen_.push_back(sampled.id);
    ++generated_counts_[static_cast<size_t>(sampled.id)];
  }
  if (constraint_ != nullptr) TRY(constraint_->accept(sampled.id));
  return sampled;
}

void Sampler::penalize(std::span<float> scores) {
  // A token counts once however often it was seen.
  const auto first_time = [this](size_t id) { return std::exchange(marks_[id], mark_) != mark_; };
  if (params_.repetition_penalty != 1) {
    ++mark_;
    const size_t all = seen_.size();
    const size_t window =
        params_.penalty_window == 0 ? all : std::min<size_t>(all, params_.penalty_window);
    for (size_t i = all - window; i < all; ++i) {
      const size_t id = static_cast<size_t>(seen_[i]);
      if (!first_time(id)) continue;
      float& score = scores[id];
      score = score > 0 ? score / params_.repetition_penalty : score * params_.repetition_penalty;
    }
  }
  if (params_.frequency_penalty == 0 && params_.presence_penalty == 0) return;
  ++mark_;
  for (const TokenId token : seen_) {
    const size_t id = static_cast<size_t>(token);
    const uint32_t count = generated_counts_[id];
    if (count == 0 || !first_time(id)) continue;
    scores[id] -= static_cast<float>(count) * params_.frequency_penalty + params_.presence_penalty;
  }
}

void Sampler::report(std::span<const float> logits, Distribution& distribution,
                     Sampled& sampled) const {
  const double normalizer = log_sum_exp(logits);
  const auto logprob = [normalizer](float logit) {
    return static_cast<float>(static_cast<double>(logit) - normalizer);
  };
  sampled.logprob = logprob(logits[static_cast<size_t>(sampled.id)]);
  if (params_.top_logprobs == 0) return;
  const std::span<const Ranked> best = distribution.top(logits, params_.top_logprobs);
  sampled.top.reserve(best.size());
  for (const Ranked& token : best) sampled.top.push_back({token.id, logprob(token.score)});
}

}  // namespace sotto::engine

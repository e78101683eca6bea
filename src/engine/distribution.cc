// Weights, filters and the draw, each a few linear passes over the vocabulary.
// SPDX-License-Identifier: Apache-2.0
#include "engine/distribution.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/exact_math.h"

namespace sotto::engine {
namespace {

// Loops over this many independent lanes: the compiler turns them into vector instructions, and the
// order of additions stays fixed whatever their width.
constexpr size_t kLanes = 16;

// exp(x) for x <= 0, to about 2^-23 of the result, from basic operations alone; 0 below -87, where
// the result would no longer be a normal number.
inline float weight_of(float x) {
  constexpr float kLog2E = 0x1.715476p+0f;
  constexpr float kLn2High = 0x1.62e4p-1f;  // 14 bits, its product with an exponent is exact
  constexpr float kLn2Low = 0x1.7f7d1cp-20f;
  constexpr float kRounder = 0x1.8p23f;  // adding it rounds to the nearest integer
  const float rounded = x * kLog2E + kRounder;
  const float k = rounded - kRounder;
  const float r = (x - k * kLn2High) - k * kLn2Low;
  float sum = 1.0f / 5040;
  sum = sum * r + 1.0f / 720;
  sum = sum * r + 1.0f / 120;
  sum = sum * r + 1.0f / 24;
  sum = sum * r + 1.0f / 6;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.0f;
  sum = sum * r + 1.0f;
  const uint32_t bits = std::bit_cast<uint32_t>(sum) + (std::bit_cast<uint32_t>(rounded) << 23);
  const uint32_t mask = x < -87.0f ? 0 : ~uint32_t{0};  // a mask is quicker than a choice of floats
  return std::bit_cast<float>(bits & mask);
}

float highest_of(std::span<const float> scores) {
  std::array<float, kLanes> lanes;
  lanes.fill(scores[0]);
  size_t i = 0;
  for (; i + kLanes <= scores.size(); i += kLanes) {
    const float* block = scores.data() + i;
    for (size_t j = 0; j < kLanes; ++j) lanes[j] = block[j] > lanes[j] ? block[j] : lanes[j];
  }
  for (; i < scores.size(); ++i) lanes[0] = std::max(lanes[0], scores[i]);
  return *std::max_element(lanes.begin(), lanes.end());
}

double add_up(const std::array<double, kLanes>& lanes) {
  std::array<double, kLanes> sums = lanes;
  for (size_t width = kLanes / 2; width > 0; width /= 2) {
    for (size_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
  return sums[0];
}

double sum_of(std::span<const float> weights) {
  std::array<double, kLanes> lanes = {};
  size_t i = 0;
  for (; i + kLanes <= weights.size(); i += kLanes) {
    const float* block = weights.data() + i;
    for (size_t j = 0; j < kLanes; ++j) lanes[j] += static_cast<double>(block[j]);
  }
  for (size_t j = 0; i < weights.size(); ++i, ++j) lanes[j] += static_cast<double>(weights[i]);
  return add_up(lanes);
}

// Orders like the scores, higher scores first; both zeros are one.
uint32_t rank_key(float score) {
  const uint32_t bits = std::bit_cast<uint32_t>(score + 0.0f);
  return (bits >> 31) != 0 ? bits : ~bits & 0x7fffffff;
}

// The index that `at` falls on when items stand side by side, each `width(i)` wide. Rounding may
// put `at` just beyond the end; then it is the last item that has any width.
template <class Width>
size_t fall_on(size_t count, double at, Width width) {
  double sum = 0;
  size_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    const double wide = static_cast<double>(width(i));
    sum += wide;
    if (sum > at) return i;
    if (wide > 0) last = i;
  }
  return last;
}

}  // namespace

bool all_finite(std::span<const float> scores) {
  constexpr uint32_t kExponent = 0x7f800000;
  std::array<uint32_t, kLanes> bad = {};
  size_t i = 0;
  for (; i + kLanes <= scores.size(); i += kLanes) {
    const float* block = scores.data() + i;
    for (size_t j = 0; j < kLanes; ++j) {
      bad[j] |= (std::bit_cast<uint32_t>(block[j]) & kExponent) == kExponent ? 1 : 0;
    }
  }
  for (; i < scores.size(); ++i) {
    bad[0] |= (std::bit_cast<uint32_t>(scores[i]) & kExponent) == kExponent ? 1 : 0;
  }
  return std::none_of(bad.begin(), bad.end(), [](uint32_t lane) { return lane != 0; });
}

Ranked best_of(std::span<const float> scores) {
  const float highest = highest_of(scores);
  const auto first = std::find(scores.begin(), scores.end(), highest);
  return {highest, static_cast<TokenId>(first - scores.begin())};
}

double log_sum_exp(std::span<const float> scores) {
  const double highest = static_cast<double>(highest_of(scores));
  std::array<double, kLanes> lanes = {};
  for (size_t i = 0; i < scores.size(); ++i) {
    lanes[i % kLanes] += exact::exp(static_cast<double>(scores[i]) - highest);
  }
  return highest + exact::log(add_up(lanes));
}

std::span<float> Distribution::scores(uint64_t count) {
  scores_.resize(count);
  return scores_;
}

TokenId Distribution::draw(std::span<const float> scores, const Filters& filters, double unit) {
  const float highest = highest_of(scores);
  const float inverse_temperature = 1.0f / filters.temperature;
  candidates_.clear();
  double total = 0;
  if (filters.top_k > 0 && filters.top_k < scores.size()) {
    const Ranked worst = worst_of_top(scores, filters.top_k);
    for (size_t i = 0; i < scores.size(); ++i) {
      if (scores[i] < worst.score) continue;
      const Ranked token{scores[i], static_cast<TokenId>(i)};
      if (better(worst, token)) continue;
      const float weight = weight_of((token.score - highest) * inverse_temperature);
      candidates_.push_back({token.score, weight, token.id});
      total += static_cast<double>(weight);
    }
  } else {
    weigh_all(scores, highest, inverse_temperature);
    total = sum_of(weights_);
    if (filters.top_p >= 1 && filters.min_p <= 0) {
      return static_cast<TokenId>(
          fall_on(weights_.size(), unit * total, [&](size_t i) { return weights_[i]; }));
    }
    // All tokens below this weight together are half of what top_p leaves out, so that none of them
    // can be among those it keeps: only the others need to be looked at.
    const double left_out = 1 - static_cast<double>(filters.top_p);
    const double least = total * left_out / (2 * static_cast<double>(scores.size()));
    const float floor = std::max(filters.min_p, static_cast<float>(least));
    for (size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] < floor) continue;
      candidates_.push_back({scores[i], weights_[i], static_cast<TokenId>(i)});
    }
  }
  if (filters.top_p < 1) keep_mass(static_cast<double>(filters.top_p) * total);
  if (filters.min_p > 0) {
    std::erase_if(candidates_, [&](const Candidate& c) { return c.weight < filters.min_p; });
  }
  double kept = 0;
  for (const Candidate& candidate : candidates_) kept += static_cast<double>(candidate.weight);
  const size_t chosen =
      fall_on(candidates_.size(), unit * kept, [&](size_t i) { return candidates_[i].weight; });
  return candidates_[chosen].id;
}

void Distribution::weigh_all(std::span<const float> scores, float highest,
                             float inverse_temperature) {
  weights_.resize(scores.size());
  const float* from = scores.data();
  float* to = weights_.data();
  for (size_t i = 0; i < scores.size(); ++i) {
    to[i] = weight_of((from[i] - highest) * inverse_temperature);
  }
}

// The last token that is among the `count` best, 0 < count < scores.size(). A buffer takes what is
// better than the worst of the best so far; whenever it is full the worse half of it goes.
Ranked Distribution::worst_of_top(std::span<const float> scores, uint32_t count) {
  const size_t room = std::max<size_t>(2 * size_t{count}, 256);
  best_.clear();
  const auto shrink = [&] {
    std::nth_element(best_.begin(), best_.begin() + (count - 1), best_.end(), better);
    best_.resize(count);
    return best_.back();
  };
  // Among equals the lower id is better, and ids ascend: from the first shrink on only a higher
  // score gets in.
  float least = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] <= least) continue;
    best_.push_back({scores[i], static_cast<TokenId>(i)});
    if (best_.size() == room) least = shrink().score;
  }
  return shrink();
}

std::span<const Ranked> Distribution::top(std::span<const float> scores, uint32_t count) {
  if (count < scores.size()) {
    worst_of_top(scores, count);
  } else {
    best_.clear();
    for (size_t i = 0; i < scores.size(); ++i) {
      best_.push_back({scores[i], static_cast<TokenId>(i)});
    }
  }
  std::sort(best_.begin(), best_.end(), better);
  return best_;
}

// Leaves the fewest candidates, best first, whose weights reach `mass`; at least one.
void Distribution::keep_mass(double mass) {
  sort_by_rank();
  double sum = 0;
  size_t kept = 0;
  while (kept < sorted_.size() && (kept == 0 || sum < mass)) {
    sum += static_cast<double>(sorted_[kept++].weight);
  }
  const Ranked worst{sorted_[kept - 1].score, sorted_[kept - 1].id};
  std::erase_if(candidates_,
                [&](const Candidate& c) { return better(worst, Ranked{c.score, c.id}); });
}

// A radix sort, linear also where a flat distribution leaves the whole vocabulary; it is stable, so
// that candidates in the order of their ids stay so among equals.
void Distribution::sort_by_rank() {
  constexpr int kDigitBits = 11;
  constexpr uint32_t kDigits = 1 << kDigitBits;
  std::array<std::array<uint32_t, kDigits>, 3> starts = {};
  for (const Candidate& candidate : candidates_) {
    const uint32_t key = rank_key(candidate.score);
    for (int pass = 0; pass < 3; ++pass) ++starts[pass][(key >> (pass * kDigitBits)) % kDigits];
  }
  sorted_ = candidates_;
  scratch_.resize(candidates_.size());
  for (int pass = 0; pass < 3; ++pass) {
    uint32_t at = 0;
    for (uint32_t& start : starts[pass]) at += std::exchange(start, at);
    for (const Candidate& candidate : sorted_) {
      const uint32_t digit = (rank_key(candidate.score) >> (pass * kDigitBits)) % kDigits;
      scratch_[starts[pass][digit]++] = candidate;
    }
    std::swap(sorted_, scratch_);
  }
}

}  // namespace sotto::engine

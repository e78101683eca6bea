// Tests of the fast draw against the plain definition: sort everything, then walk.
// SPDX-License-Identifier: Apache-2.0
#include "engine/distribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/philox.h"

namespace sotto::engine {
namespace {

// What docs/reference/sampling.md says, word for word, in double and with libm.
struct Share {
  TokenId id;
  double weight;
};

std::vector<Share> plain_shares(const std::vector<float>& scores, const Filters& filters) {
  std::vector<Ranked> order;
  for (size_t i = 0; i < scores.size(); ++i) {
    order.push_back({scores[i], static_cast<TokenId>(i)});
  }
  std::sort(order.begin(), order.end(), better);
  if (filters.top_k > 0) order.resize(std::min<size_t>(order.size(), filters.top_k));
  const auto weight = [&](const Ranked& token) {
    return std::exp((double{token.score} - double{order[0].score}) / double{filters.temperature});
  };
  double total = 0;
  for (const Ranked& token : order) total += weight(token);
  std::vector<Share> kept;
  double sum = 0;
  for (const Ranked& token : order) {
    if (!kept.empty() && filters.top_p < 1 && sum >= double{filters.top_p} * total) break;
    kept.push_back({token.id, weight(token)});
    sum += weight(token);
  }
  std::erase_if(kept, [&](const Share& share) { return share.weight < double{filters.min_p}; });
  std::sort(kept.begin(), kept.end(), [](Share a, Share b) { return a.id < b.id; });
  sum = 0;
  for (const Share& share : kept) sum += share.weight;
  for (Share& share : kept) share.weight /= sum;
  return kept;
}

// Scores as a model gives them: a broad hill of unlikely tokens and a few likely ones. `steps` makes
// ties.
std::vector<float> make_scores(size_t count, uint64_t seed, float spread, float steps) {
  std::vector<float> scores(count);
  for (size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (uint64_t j = 0; j < 4; ++j) sum += uniform(seed, 4 * i + j) - 0.5;
    scores[i] = std::round(static_cast<float>(sum) * spread * steps) / steps;
  }
  return scores;
}

TEST(Distribution, draws_what_the_plain_definition_draws) {
  Distribution distribution;
  int compared = 0;
  for (const size_t count : {size_t{1}, size_t{2}, size_t{15}, size_t{333}, size_t{5000}}) {
    for (const float spread : {0.0f, 2.0f, 12.0f}) {
      for (const float steps : {4.0f, 1e5f}) {
        const std::vector<float> scores = make_scores(count, count, spread, steps);
        for (const Filters& filters : std::vector<Filters>{{1, 0, 1, 0},
                                                           {0.6f, 0, 0.95f, 0},
                                                           {1, 40, 1, 0},
                                                           {1, 40, 0.9f, 0},
                                                           {2, 0, 0.3f, 0.05f},
                                                           {1, 0, 1, 0.05f},
                                                           {0.8f, 20, 0.95f, 0.1f},
                                                           {5, 0, 0.999f, 0},
                                                           {1, 4999, 0.9999f, 0}}) {
          const std::vector<Share> shares = plain_shares(scores, filters);
          double before = 0;
          for (const Share& share : shares) {
            // The middle of each token's place, where rounding cannot matter, for those with one.
            const double middle = before + share.weight / 2;
            before += share.weight;
            // Many tokens of little weight need not all be asked for.
            if (share.weight < 1e-4 || (shares.size() > 50 && share.id % 37 != 0)) continue;
            ASSERT_EQ(distribution.draw(scores, filters, middle), share.id)
                << count << " scores, spread " << spread << ", top_k " << filters.top_k
                << ", top_p " << filters.top_p << ", min_p " << filters.min_p;
            ++compared;
          }
        }
      }
    }
  }
  EXPECT_GT(compared, 1000);
}

TEST(Distribution, draw_at_the_very_end_is_a_token_that_was_kept) {
  Distribution distribution;
  const double last = 1 - 0x1p-53;
  EXPECT_EQ(distribution.draw(std::vector<float>{1, 1, 1, -1000}, {1, 0, 1, 0}, last), 2);
  EXPECT_EQ(distribution.draw(std::vector<float>{1, 1, 1, -1000}, {1, 0, 0.5f, 0}, last), 1);
  EXPECT_EQ(distribution.draw(std::vector<float>{1, 1, 1, -1000}, {1, 0, 1, 0}, 0), 0);
}

TEST(Distribution, top_is_best_first_and_ties_by_lower_id) {
  Distribution distribution;
  const std::vector<float> scores = make_scores(20'000, 3, 8, 16);
  std::vector<Ranked> order;
  for (size_t i = 0; i < scores.size(); ++i) {
    order.push_back({scores[i], static_cast<TokenId>(i)});
  }
  std::sort(order.begin(), order.end(), better);
  for (const uint32_t count : {1u, 5u, 20u, 1000u}) {
    const std::span<const Ranked> top = distribution.top(scores, count);
    ASSERT_EQ(top.size(), count);
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(top[i].id, order[i].id) << i;
  }
}

TEST(Distribution, top_copes_with_scores_in_ascending_order) {
  Distribution distribution;
  std::vector<float> scores(10'000);
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<float>(i);
  const std::span<const Ranked> top = distribution.top(scores, 300);
  for (size_t i = 0; i < 300; ++i) ASSERT_EQ(top[i].id, static_cast<TokenId>(9999 - i));
}

TEST(Distribution, log_sum_exp_is_exact_to_single_precision) {
  const std::vector<float> scores = make_scores(5000, 9, 10, 1e5f);
  long double sum = 0;
  for (const float score : scores) sum += std::exp(static_cast<long double>(score));
  EXPECT_NEAR(log_sum_exp(scores), static_cast<double>(std::log(sum)), 1e-13);
}

// Another compiler or machine must draw these very tokens.
TEST(Distribution, draws_are_the_same_everywhere) {
  Distribution distribution;
  const std::vector<float> scores = make_scores(50'000, 5, 14, 1e6f);
  uint64_t hash = 0xcbf29ce484222325;
  for (uint64_t i = 0; i < 200; ++i) {
    const Filters filters{1, i % 2 == 0 ? 0u : 100u, i % 3 == 0 ? 1.0f : 0.95f, 0};
    const TokenId id = distribution.draw(scores, filters, uniform(1, i));
    hash = (hash ^ static_cast<uint64_t>(id)) * 0x100000001b3;
  }
  EXPECT_EQ(hash, 14190514555880228786u);
}

}  // namespace
}  // namespace sotto::engine

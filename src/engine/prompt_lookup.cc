// The index of n-grams, following a match, and learning how good matches are.
// SPDX-License-Identifier: Apache-2.0
#include "engine/prompt_lookup.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace sotto::engine {
namespace {

// An index larger than this gains nothing: newer n-grams displace older ones.
constexpr uint32_t kSlotBitsMax = 18;

// How often a guess is right before anything is known, by the class of the match; low, since a
// guess that is not made costs nothing and still teaches.
constexpr std::array<float, 7> kChancesAtFirst = {0.1f, 0.2f, 0.3f, 0.4f, 0.6f, 0.8f, 0.9f};
constexpr uint32_t kCountAtFirst = 3;  // observations that these are worth
constexpr uint32_t kCountMax = 32;     // the past counts for no more than this

}  // namespace

void PromptLookup::Estimate::add(bool right) {
  count = std::min(count + 1, kCountMax);
  chance += ((right ? 1.0f : 0.0f) - chance) / static_cast<float>(count);
}

PromptLookup::PromptLookup(uint32_t tokens)
    : slot_bits_(
          std::clamp<uint32_t>(static_cast<uint32_t>(std::bit_width(tokens)), 4, kSlotBitsMax)) {
  tokens_.reserve(tokens);
  for (SecretVector<uint32_t>& slots : index_) slots.resize(size_t{1} << slot_bits_);
  for (uint32_t i = 0; i < kClasses; ++i) estimates_[i] = {kChancesAtFirst[i], kCountAtFirst};
}

uint32_t PromptLookup::class_of(uint32_t match_tokens) {
  if (match_tokens < 4) return match_tokens == 0 ? 0 : match_tokens - 1;
  return std::min(static_cast<uint32_t>(std::bit_width(match_tokens)), kClasses - 1);
}

void PromptLookup::add_prompt(std::span<const TokenId> ids) {
  for (const TokenId id : ids) append(id);
}

void PromptLookup::add_generated(TokenId id) {
  if (has_guess()) estimates_[class_of(match_tokens_)].add(tokens_[match_] == id);
  append(id);
}

void PromptLookup::append(TokenId id) {
  if (has_guess() && tokens_[match_] == id) {
    ++match_;
    match_tokens_ = std::min(match_tokens_ + 1, kMatchMax);
  } else {
    match_ = match_tokens_ = 0;
  }
  tokens_.push_back(id);
  const auto length = static_cast<uint32_t>(tokens_.size());
  for (size_t i = 0; i < kOrders.size(); ++i) {
    if (length < kOrders[i]) continue;
    uint32_t& place = index_[i][slot(kOrders[i])];
    if (place != 0 && match_tokens_ < kOrders[0]) follow_if_longer(place);
    place = length;
  }
}

// The slot of the n-gram at the end of the tokens.
uint32_t PromptLookup::slot(uint32_t order) const {
  uint64_t hash = order;
  for (size_t i = tokens_.size() - order; i < tokens_.size(); ++i) {
    hash = (hash ^ static_cast<uint32_t>(tokens_[i])) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return static_cast<uint32_t>((hash * 0x9E3779B97F4A7C15u) >> (64 - slot_bits_));
}

// A slot may hold another n-gram's place, so the tokens themselves are compared.
void PromptLookup::follow_if_longer(uint32_t place) {
  const auto length = static_cast<uint32_t>(tokens_.size());
  const uint32_t most = std::min(kMatchMax, place);
  uint32_t same = 0;
  while (same < most && tokens_[place - 1 - same] == tokens_[length - 1 - same]) ++same;
  if (same < kOrders.back() || same <= match_tokens_) return;
  match_ = place;
  match_tokens_ = same;
}

void PromptLookup::guess(std::span<TokenId> out) const {
  CHECK(has_guess());
  // Beyond the end the guess itself is what is repeated.
  const size_t known = tokens_.size() - match_;
  for (size_t i = 0; i < out.size(); ++i) out[i] = i < known ? tokens_[match_ + i] : out[i - known];
}

float PromptLookup::chance(uint32_t index) const {
  return estimates_[class_of(std::min(match_tokens_ + index, kMatchMax))].chance;
}

}  // namespace sotto::engine

// What all generating endpoints have in common: how to sample, when to stop, what to send back.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/fields.h"
#include "engine/sampler.h"

namespace sotto::api {

inline constexpr int64_t kChoicesMax = 8;
inline constexpr size_t kStopsMax = 16;  // OpenAI's clients may send 4
inline constexpr size_t kStopBytesMax = 1024;
inline constexpr size_t kModelBytesMax = 256;
inline constexpr size_t kBiasMax = 1024;
inline constexpr int64_t kTokensMax = 1 << 24;

// What the request says; what it leaves open is the model's recommendation, then ours.
struct Generation {
  std::string model;  // empty: the default one
  bool stream = false;
  bool include_usage = false;  // in a last event of the stream
  uint32_t choices = 1;
  uint32_t tokens_max = 0;  // 0: as many as the context has room for
  std::vector<std::string> stops;
  std::optional<uint64_t> seed;
  std::optional<float> temperature;
  std::optional<float> top_p;
  std::optional<uint32_t> top_k;
  std::optional<float> min_p;
  std::optional<float> repetition_penalty;
  std::optional<float> frequency_penalty;
  std::optional<float> presence_penalty;
  std::vector<std::pair<TokenId, float>> logit_bias;
  bool logprobs = false;
  uint32_t top_logprobs = 0;

  // Over `base`; `seed` is used where the request has none.
  engine::SamplingParams sampling(const engine::SamplingParams& base, uint64_t seed) const;
};

// model, stream, stream_options, n, stop, seed, temperature, top_p, top_k, min_p, the penalties and
// logit_bias, and the fields that are harmless everywhere.
ApiResult<Generation> read_generation(Fields& fields);

}  // namespace sotto::api

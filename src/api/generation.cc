// The fields that generating endpoints share.
// SPDX-License-Identifier: Apache-2.0
#include "api/generation.h"

#include <charconv>

namespace sotto::api {

namespace json = boost::json;

namespace {

ApiResult<std::vector<std::string>> read_stops(Fields& fields) {
  const json::value* value = fields.take("stop");
  std::vector<std::string> stops;
  if (value == nullptr) return stops;
  const auto add = [&](const json::value& stop) -> ApiResult<void> {
    const bool good =
        stop.is_string() && !stop.get_string().empty() && stop.get_string().size() <= kStopBytesMax;
    if (!good) {
      return invalid(fields.name_of("stop"), "stop is not a string of 1 to {} bytes, or an array",
                     kStopBytesMax);
    }
    stops.emplace_back(stop.get_string());
    return {};
  };
  if (!value->is_array()) {
    TRY(add(*value));
    return stops;
  }
  if (value->get_array().size() > kStopsMax) {
    return invalid(fields.name_of("stop"), "stop has {} strings; it can have {}",
                   value->get_array().size(), kStopsMax);
  }
  for (const json::value& stop : value->get_array()) TRY(add(stop));
  return stops;
}

ApiResult<std::vector<std::pair<TokenId, float>>> read_logit_bias(Fields& fields) {
  std::vector<std::pair<TokenId, float>> biases;
  const json::object* object = TRY(fields.object("logit_bias"));
  if (object == nullptr) return biases;
  if (object->size() > kBiasMax) {
    return invalid("logit_bias", "logit_bias has {} entries; it can have {}", object->size(),
                   kBiasMax);
  }
  for (const auto& [key, value] : *object) {
    TokenId id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool is_id = error == std::errc() && end == key.data() + key.size() && id >= 0;
    const double bias = value.is_number() ? value.to_number<double>() : 1e9;
    if (!is_id || !(bias >= -100 && bias <= 100)) {
      return invalid("logit_bias", "logit_bias maps token ids to numbers from -100 to 100");
    }
    biases.emplace_back(id, static_cast<float>(bias));
  }
  return biases;
}

ApiResult<bool> read_stream_options(Fields& fields, bool stream) {
  const json::object* object = TRY(fields.object("stream_options"));
  if (object == nullptr) return false;
  if (!stream) {
    return invalid("stream_options", "stream_options is for answers that are streamed");
  }
  Fields inner(*object, "stream_options");
  inner.harmless({"include_obfuscation"});  // a padding of its own, which the channel makes better
  const std::optional<bool> usage = TRY(inner.boolean("include_usage"));
  TRY(inner.done());
  return usage.value_or(false);
}

// What OpenAI's platform does with an answer besides giving it: nothing of it is done here.
ApiResult<void> read_platform_fields(Fields& fields) {
  fields.harmless(
      {"user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"});
  if (TRY(fields.boolean("store")).value_or(false)) {
    return unsupported("store", "store is not supported: nothing is kept here");
  }
  TRY(fields.word("service_tier", {"auto", "default"}));
  return {};
}

template <class T>
std::optional<T> as(const std::optional<double>& value) {
  return value ? std::optional<T>(static_cast<T>(*value)) : std::nullopt;
}

}  // namespace

ApiResult<Generation> read_generation(Fields& fields) {
  TRY(read_platform_fields(fields));
  Generation generation;
  generation.model = TRY(fields.string("model", kModelBytesMax)).value_or("");
  generation.stream = TRY(fields.boolean("stream")).value_or(false);
  generation.include_usage = TRY(read_stream_options(fields, generation.stream));
  generation.choices = static_cast<uint32_t>(TRY(fields.integer("n", 1, kChoicesMax)).value_or(1));
  generation.stops = TRY(read_stops(fields));
  const auto seed = TRY(fields.integer("seed", INT64_MIN, INT64_MAX));
  if (seed) generation.seed = static_cast<uint64_t>(*seed);
  generation.temperature = as<float>(TRY(fields.number("temperature", 0, engine::kTemperatureMax)));
  generation.top_p = as<float>(TRY(fields.number("top_p", 0, 1)));
  const auto top_k = TRY(fields.integer("top_k", 0, INT32_MAX));
  if (top_k) generation.top_k = static_cast<uint32_t>(*top_k);
  generation.min_p = as<float>(TRY(fields.number("min_p", 0, 1)));
  generation.repetition_penalty = as<float>(TRY(fields.number("repetition_penalty", 0.1, 10)));
  generation.frequency_penalty = as<float>(TRY(fields.number("frequency_penalty", -2, 2)));
  generation.presence_penalty = as<float>(TRY(fields.number("presence_penalty", -2, 2)));
  generation.logit_bias = TRY(read_logit_bias(fields));
  return generation;
}

engine::SamplingParams Generation::sampling(const engine::SamplingParams& base,
                                            uint64_t other_seed) const {
  engine::SamplingParams params = base;
  params.seed = seed.value_or(other_seed);
  if (temperature) params.temperature = *temperature;
  if (top_p) params.top_p = *top_p;
  if (top_k) params.top_k = *top_k;
  if (min_p) params.min_p = *min_p;
  if (repetition_penalty) params.repetition_penalty = *repetition_penalty;
  if (frequency_penalty) params.frequency_penalty = *frequency_penalty;
  if (presence_penalty) params.presence_penalty = *presence_penalty;
  params.logit_bias = logit_bias;
  params.logprobs = logprobs;
  params.top_logprobs = top_logprobs;
  return params;
}

}  // namespace sotto::api

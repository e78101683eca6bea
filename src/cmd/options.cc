// Shared options: their names, ranges and defaults.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <random>

#include "base/check.h"
#include "base/threads.h"
#include "cmd/commands.h"

namespace sotto::cmd {
namespace {

constexpr uint32_t kThreadsMax = 1024;

// What the makers of reasoning models recommend; greedy decoding makes them repeat themselves.
constexpr float kTemperature = 0.6f;
constexpr float kTopP = 0.95f;

struct Bias {
  TokenId id;
  float value;
};

std::optional<Bias> parse_bias(const std::string& text) {
  const char* const end = text.data() + text.size();
  Bias bias{};
  const auto id = std::from_chars(text.data(), end, bias.id);
  if (id.ec != std::errc() || id.ptr == end || *id.ptr != '=') return std::nullopt;
  const auto value = std::from_chars(id.ptr + 1, end, bias.value);
  if (value.ec != std::errc() || value.ptr != end) return std::nullopt;
  return bias;
}

std::string check_bias(const std::string& text) {
  return parse_bias(text) ? "" : "'" + text + "' is not ID=VALUE, such as 42=-5.5";
}

uint64_t random_seed() {
  // 32 bits: short enough to type again, and exact in every reader of JSON.
  std::random_device device;
  return device();
}

}  // namespace

void add_threads_option(CLI::App& app, uint32_t& threads) {
  threads = processors_available();
  app.add_option("--threads", threads, "threads that compute")
      ->check(CLI::Range(uint32_t{1}, kThreadsMax))
      ->capture_default_str();
}

void add_kv_option(CLI::App& app, std::string& kv) {
  app.add_option("--kv", kv, "how keys and values of past positions are kept")
      ->check(CLI::IsMember({"f16", "q8_0"}))
      ->capture_default_str();
}

model::KvType kv_type(const std::string& kv) {
  return kv == "q8_0" ? model::KvType::Q8_0 : model::KvType::F16;
}

const char* kv_name(model::KvType type) {
  return type == model::KvType::Q8_0 ? "q8_0" : "f16";
}

void add_speculate_option(CLI::App& app, std::string& speculate) {
  app.add_option("--speculate", speculate,
                 "guess ahead where the text repeats itself; the answer is the same, sooner")
      ->check(CLI::IsMember({"auto", "off", "always"}))
      ->capture_default_str();
}

engine::Speculation speculation(const std::string& speculate) {
  if (speculate == "off") return engine::Speculation::off;
  return speculate == "always" ? engine::Speculation::always : engine::Speculation::automatic;
}

void add_sampling_options(CLI::App& app, SamplingFlags& flags) {
  const char* const group = "Sampling";
  app.add_option("--temperature", flags.temperature, "0 takes the likeliest token every time")
      ->group(group);
  app.add_option("--top-k", flags.top_k, "only the K likeliest tokens; 0: all")->group(group);
  app.add_option("--top-p", flags.top_p, "only the likeliest tokens that make up this probability")
      ->group(group);
  app.add_option("--min-p", flags.min_p, "no token less likely than this share of the likeliest")
      ->group(group);
  app.add_option("--repetition-penalty", flags.repetition_penalty,
                 "above 1: recent tokens become less likely")
      ->group(group);
  app.add_option("--frequency-penalty", flags.frequency_penalty,
                 "subtracted from a token's logit for each time the answer has used it")
      ->group(group);
  app.add_option("--presence-penalty", flags.presence_penalty,
                 "subtracted once from the logit of a token that the answer has used")
      ->group(group);
  app.add_option("--seed", flags.seed, "the same seed gives the same text; default: random")
      ->group(group);
  app.add_option("--logit-bias", flags.logit_bias,
                 "ID=VALUE, added to that token's logit; repeatable")
      ->allow_extra_args(false)
      ->check(CLI::Validator(check_bias, "", "logit_bias"))
      ->group(group);
}

Result<engine::SamplingParams> sampling_params(const SamplingFlags& flags,
                                               const gguf::Metadata& metadata) {
  engine::SamplingParams params;
  params.temperature = flags.temperature.value_or(
      TRY(metadata.get_or<float>("general.sampling.temp", kTemperature)));
  params.top_k = flags.top_k.value_or(TRY(metadata.get_or<uint32_t>("general.sampling.top_k", 0)));
  params.top_p = flags.top_p.value_or(TRY(metadata.get_or<float>("general.sampling.top_p", kTopP)));
  params.min_p = flags.min_p.value_or(TRY(metadata.get_or<float>("general.sampling.min_p", 0.0f)));
  params.repetition_penalty = flags.repetition_penalty.value_or(
      TRY(metadata.get_or<float>("general.sampling.penalty_repeat", 1.0f)));
  params.frequency_penalty = flags.frequency_penalty.value_or(0.0f);
  params.presence_penalty = flags.presence_penalty.value_or(0.0f);
  params.seed = flags.seed ? *flags.seed : random_seed();
  for (const std::string& text : flags.logit_bias) {
    const std::optional<Bias> bias = parse_bias(text);
    CHECK(bias.has_value());  // the option's validator let it through
    params.logit_bias.emplace_back(bias->id, bias->value);
  }
  TRY(engine::validate(params));
  return params;
}

int wrong_usage(const CLI::App& app, const std::string& message) {
  std::fprintf(stderr, "sotto %s: %s\nRun with --help for more information.\n",
               app.get_name().c_str(), message.c_str());
  return kExitUsage;
}

}  // namespace sotto::cmd

// Command-line options that several subcommands share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/sampler.h"
#include "gguf/file.h"
#include "model/kv_cache.h"

namespace sotto::cmd {

// --threads; the default is every processor this process may run on.
void add_threads_option(CLI::App& app, uint32_t& threads);

// --kv f16|q8_0
void add_kv_option(CLI::App& app, std::string& kv);
model::KvType kv_type(const std::string& kv);  // of a value that the option let through
const char* kv_name(model::KvType type);

// --speculate auto|off|always
void add_speculate_option(CLI::App& app, std::string& speculate);
engine::Speculation speculation(const std::string& speculate);  // of a value that was let through

// The sampling flags as given; what was left out comes from the model file, then from us.
struct SamplingFlags {
  std::optional<float> temperature;
  std::optional<uint32_t> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> repetition_penalty;
  std::optional<float> frequency_penalty;
  std::optional<float> presence_penalty;
  std::optional<uint64_t> seed;
  std::vector<std::string> logit_bias;  // ID=VALUE
};

void add_sampling_options(CLI::App& app, SamplingFlags& flags);

// Flags over the model's recommendation (metadata general.sampling.*) over temperature 0.6, top-p
// 0.95; a random seed unless one was given. `malformed` names what is out of its range.
Result<engine::SamplingParams> sampling_params(const SamplingFlags& flags,
                                               const gguf::Metadata& metadata);

// Prints what is wrong with a combination of options; returns the exit code for wrong usage.
int wrong_usage(const CLI::App& app, const std::string& message);

}  // namespace sotto::cmd

// Measuring another program beside ours: its command in turn with our runs, and the ratios.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cmd/bench_measure.h"

namespace sotto::cmd {

// Tokens per second; 0 where the load has no such phase.
struct Rates {
  double prompt = 0;
  double generate = 0;
};

// What {name} stands for in a peer's command.
struct PeerSettings {
  std::string model;  // the file's path
  BenchLoad load;
  uint32_t threads;
};

// Replaces {model}, {prompt}, {generate}, {parallel}, {threads} and {kv}; the model's path becomes
// one word of the shell. Other braces stay as they are.
std::string expand_peer_command(std::string_view command, const PeerSettings& settings);

// From the last line of `output` that is a JSON object with numbers `prompt_tokens_per_second` and
// `generate_tokens_per_second`; each is needed, and above zero, where the load has that phase.
Result<Rates> parse_peer_output(std::string_view output, const BenchLoad& load);

// Runs the expanded command.
Result<Rates> run_peer(const std::string& command, const BenchLoad& load,
                       std::chrono::seconds limit);

// Of the ratios of pairs of runs; all 0 without any.
struct Spread {
  double min = 0;
  double median = 0;
  double max = 0;
};
Spread spread_of(std::vector<double> values);

}  // namespace sotto::cmd

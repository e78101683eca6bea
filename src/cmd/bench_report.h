// What `sotto bench` found, as text and as JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bandwidth.h"
#include "cmd/bench_measure.h"
#include "cmd/bench_peer.h"

namespace sotto::cmd {

struct BenchReport {
  std::string name;
  std::string type;  // of a preset's made-up weights; empty for a file
  uint64_t weight_bytes = 0;
  uint64_t weight_bytes_per_token = 0;
  std::string isa;
  uint32_t threads = 0;
  BenchLoad load;
  std::vector<BenchTimes> runs;  // at least one
  uint64_t kv_bytes = 0;
  uint64_t memory_peak = 0;
  Bandwidth bandwidth{};

  std::string peer_command;  // empty: ours alone
  std::vector<Rates> peer;   // one for each run

  Rates rates(const BenchTimes& run) const;
  Rates median_rates() const;
  // Sequences that are decoded together share one reading of the weights.
  double weight_bytes_per_second() const;
  double bandwidth_share() const;
};

std::string bench_text(const BenchReport& report);
std::string bench_json(const BenchReport& report);

}  // namespace sotto::cmd

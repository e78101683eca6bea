// Medians, and with a peer the ratios of each pair of runs.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/bench_report.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <iterator>

#include "base/machine.h"
#include "base/memory.h"
#include "cmd/options.h"
#include "cmd/terminal.h"

namespace sotto::cmd {
namespace {

// A rate; 0 where nothing was measured.
double rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? amount / seconds : 0;
}

template <class Item>
double median_of(const std::vector<Item>& items, double Item::* field) {
  std::vector<double> values;
  for (const Item& item : items) values.push_back(item.*field);
  return median(std::move(values));
}

// Ours over the peer's, pair by pair.
Spread ratios(const BenchReport& report, double Rates::* field) {
  std::vector<double> ratios;
  for (size_t index = 0; index < report.peer.size(); ++index) {
    const double peer = report.peer[index].*field;
    if (peer > 0) ratios.push_back(report.rates(report.runs[index]).*field / peer);
  }
  return spread_of(std::move(ratios));
}

std::string bytes_rate(double rate) {
  return format_bytes(static_cast<uint64_t>(rate)) + "/s";
}

std::string phase_text(const BenchReport& report, const char* name, uint32_t tokens,
                       double BenchTimes::* seconds, double Rates::* field) {
  const double median_rate = report.median_rates().*field;
  std::string text =
      fmt::format("{:<9} {} x {} tokens in {:.2f} s: {:.1f} tokens/s\n", name, report.load.parallel,
                  tokens, median_of(report.runs, seconds), median_rate);
  if (!report.peer.empty()) {
    const Spread spread = ratios(report, field);
    text += fmt::format(
        "          the peer {:.1f} tokens/s; ours is {:.2f} times that ({:.2f} to "
        "{:.2f} in {} pairs)\n",
        median_of(report.peer, field), spread.median, spread.min, spread.max, report.peer.size());
  }
  return text;
}

boost::json::object spread_json(const Spread& spread) {
  return {{"min", spread.min}, {"median", spread.median}, {"max", spread.max}};
}

boost::json::object peer_json(const BenchReport& report) {
  boost::json::array pairs;
  for (size_t index = 0; index < report.peer.size(); ++index) {
    const Rates ours = report.rates(report.runs[index]);
    const Rates& peer = report.peer[index];
    pairs.push_back({{"prompt", ours.prompt},
                     {"peer_prompt", peer.prompt},
                     {"generate", ours.generate},
                     {"peer_generate", peer.generate}});
  }
  return {{"command", report.peer_command},
          {"prompt_tokens_per_second", median_of(report.peer, &Rates::prompt)},
          {"generate_tokens_per_second", median_of(report.peer, &Rates::generate)},
          {"prompt_ratio", spread_json(ratios(report, &Rates::prompt))},
          {"generate_ratio", spread_json(ratios(report, &Rates::generate))},
          {"pairs", std::move(pairs)}};
}

}  // namespace

Rates BenchReport::rates(const BenchTimes& run) const {
  return {rate(double{1} * load.prompt * load.parallel, run.prompt_seconds),
          rate(double{1} * load.generate * load.parallel, run.generate_seconds)};
}

Rates BenchReport::median_rates() const {
  std::vector<Rates> all;
  for (const BenchTimes& run : runs) all.push_back(rates(run));
  return {median_of(all, &Rates::prompt), median_of(all, &Rates::generate)};
}

double BenchReport::weight_bytes_per_second() const {
  return static_cast<double>(weight_bytes_per_token) * median_rates().generate / load.parallel;
}

double BenchReport::bandwidth_share() const {
  return rate(weight_bytes_per_second(), bandwidth.bytes_per_second);
}

std::string bench_text(const BenchReport& report) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "model     {}{}, {} of weights\n", report.name,
                 report.type.empty() ? "" : " " + report.type + " (synthetic weights)",
                 format_bytes(report.weight_bytes));
  const std::string processor = processor_name();
  fmt::format_to(out, "machine   {}{}{} threads, {}, reads {}\n", processor,
                 processor.empty() ? "" : ", ", report.threads, report.isa,
                 bytes_rate(report.bandwidth.bytes_per_second));
  if (report.load.prompt > 0) {
    text += phase_text(report, "prompt", report.load.prompt, &BenchTimes::prompt_seconds,
                       &Rates::prompt);
  }
  if (report.load.generate > 0) {
    text += phase_text(report, "generate", report.load.generate, &BenchTimes::generate_seconds,
                       &Rates::generate);
    fmt::format_to(out, "          {} of weights, {:.0f}% of what this machine reads\n",
                   bytes_rate(report.weight_bytes_per_second()), 100 * report.bandwidth_share());
  }
  fmt::format_to(out, "memory    {} at most, {} of it keys and values ({})\n",
                 format_bytes(report.memory_peak), format_bytes(report.kv_bytes),
                 kv_name(report.load.kv_type));
  fmt::format_to(out, "hash      {}\n", report.runs.back().hash);
  return text;
}

std::string bench_json(const BenchReport& report) {
  const Rates rates = report.median_rates();
  boost::json::object out{
      {"model", report.name},
      {"type", report.type.empty() ? nullptr : boost::json::value(report.type)},
      {"synthetic", !report.type.empty()},
      {"weight_bytes", report.weight_bytes},
      {"weight_bytes_per_token", report.weight_bytes_per_token},
      {"processor", processor_name()},
      {"threads", report.threads},
      {"isa", report.isa},
      {"read_bytes_per_second", report.bandwidth.bytes_per_second},
      {"parallel", report.load.parallel},
      {"repeat", report.load.repeat},
      {"prompt_tokens", report.load.prompt},
      {"prompt_seconds", median_of(report.runs, &BenchTimes::prompt_seconds)},
      {"prompt_tokens_per_second", rates.prompt},
      {"generate_tokens", report.load.generate},
      {"generate_seconds", median_of(report.runs, &BenchTimes::generate_seconds)},
      {"generate_tokens_per_second", rates.generate},
      {"weight_bytes_per_second", report.weight_bytes_per_second()},
      {"bandwidth_share", report.bandwidth_share()},
      {"kv_type", kv_name(report.load.kv_type)},
      {"kv_bytes", report.kv_bytes},
      {"memory_peak_bytes", report.memory_peak},
      {"hash", report.runs.back().hash},
  };
  if (!report.peer.empty()) out["peer"] = peer_json(report);
  return boost::json::serialize(out) + "\n";
}

}  // namespace sotto::cmd

// `sotto bench`: what a model, or a shape of model, makes of this machine.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "base/bandwidth.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/threads.h"
#include "cmd/bench_measure.h"
#include "cmd/bench_peer.h"
#include "cmd/bench_report.h"
#include "cmd/commands.h"
#include "cmd/model_source.h"
#include "cmd/options.h"
#include "cmd/presets.h"
#include "cmd/terminal.h"
#include "cmd/write_preset.h"
#include "model/model.h"

namespace sotto::cmd {
namespace {

constexpr uint32_t kBatchTokens = 512;
constexpr uint32_t kParallelMax = 1024;
constexpr uint32_t kTokensMax = 1 << 20;
constexpr uint32_t kRepeatMax = 1000;
constexpr uint32_t kPeerSecondsMax = 24 * 3600;

struct Options {
  std::string model;
  std::string preset;
  std::string type = "Q4_K_M";
  bool list_presets = false;
  std::string write;
  BenchLoad load;
  uint32_t threads = 1;
  std::string kv = "f16";
  std::string compare;
  uint32_t peer_seconds = 600;
  bool json = false;
};

Result<void> check_fits(const Preset& preset, const gguf::Description& description,
                        const BenchLoad& load) {
  const uint64_t buffers =
      300'000'000 + uint64_t{load.parallel} * preset.vocabulary * sizeof(float);  // of logits
  constexpr uint64_t kBytesPerKeyAndValue = 4;                                    // two halves
  const uint64_t weights = tensor_bytes(description);
  const uint64_t cache = uint64_t{preset.layers} * (preset.width / preset.heads) * preset.kv_heads *
                         kBytesPerKeyAndValue * load.positions() * load.parallel;
  const uint64_t needed = weights + cache + buffers;
  const uint64_t available = memory_available();
  if (needed <= available) return {};
  return fail(ErrorKind::exhausted,
              "{} needs {} ({} weights, {} keys and values), this machine has {} available; try a "
              "smaller --type, --parallel or --prompt",
              preset.name, format_bytes(needed), format_bytes(weights), format_bytes(cache),
              format_bytes(available));
}

model::ForwardLimits forward_limits(const BenchLoad& load) {
  return {.batch_tokens_max = std::max(kBatchTokens, load.parallel),
          .logit_rows_max = load.parallel};
}

// The model that was asked for; the report gets its name, and the settings its file's path.
Result<std::unique_ptr<model::Model>> open_or_make_model(const Options& options, ThreadPool& pool,
                                                         BenchReport& report, std::string& path) {
  const model::ForwardLimits limits = forward_limits(options.load);
  if (options.preset.empty()) {
    const gguf::Source source = TRY(open_model(options.model));
    path = source.description().files[0].path.string();
    auto model = TRY(model::Model::load(source, limits, pool, terminal_progress("loading")));
    report.name = printable(model->shape().name);
    return model;
  }
  const Preset* preset = TRY(find_preset(options.preset));
  const gguf::Description description = TRY(describe_preset(*preset, options.type));
  TRY(check_fits(*preset, description, options.load));
  report.name = options.preset;
  report.type = options.type;
  return model::Model::synthetic(description, limits, pool);
}

// Ours, the peer, ours, the peer: what disturbs the machine for a while disturbs both.
Result<void> measure(const Options& options, const std::string& peer_command, BenchRunner& runner,
                     ThreadPool& pool, BenchReport& report) {
  const Progress bar = step_progress("measuring");
  const uint64_t total = runner.tokens() * options.load.repeat;
  for (uint32_t index = 0; index < options.load.repeat; ++index) {
    const uint64_t before = runner.tokens() * index;
    const auto part = [&](uint64_t done, uint64_t) {
      if (bar) bar(before + done, total);
    };
    report.runs.push_back(TRY(runner.run(part)));
    if (peer_command.empty()) continue;
    pool.release_caller();
    auto peer = run_peer(peer_command, options.load, std::chrono::seconds(options.peer_seconds));
    if (!peer) return within("--compare", std::move(peer).error());
    report.peer.push_back(*peer);
  }
  return {};
}

void print_presets(bool json) {
  boost::json::array list;
  for (const Preset& preset : presets()) {
    const auto description = describe_preset(preset, "Q4_K_M");
    if (!description) continue;  // the mixes' own test says that there is none
    const uint64_t parameters = parameter_count(*description);
    const uint64_t bytes = tensor_bytes(*description);
    if (json) {
      list.push_back({{"name", preset.name}, {"parameters", parameters}, {"q4_k_m_bytes", bytes}});
    } else {
      fmt::print("{:<32} {:>7.2f} billion parameters, {:>9} as Q4_K_M\n", preset.name,
                 static_cast<double>(parameters) / 1e9, format_bytes(bytes));
    }
  }
  if (json) fmt::print("{}\n", boost::json::serialize(list));
}

Result<int> write(const Options& options) {
  const Preset* preset = TRY(find_preset(options.preset));
  const gguf::Description description = TRY(describe_preset(*preset, options.type));
  TRY(write_preset(description, options.write, terminal_progress("writing")));
  return kExitOk;
}

Result<int> measure_and_print(const CLI::App& app, const Options& options) {
  ThreadPool pool(options.threads);
  BenchReport report;
  report.threads = options.threads;
  report.load = options.load;
  {
    std::string path;
    const std::unique_ptr<model::Model> model =
        TRY(open_or_make_model(options, pool, report, path));
    if (path.empty() && options.compare.find("{model}") != std::string::npos) {
      return wrong_usage(app, "--compare with {model} needs a MODEL that is a file");
    }
    if (!options.compare.empty()) {
      report.peer_command =
          expand_peer_command(options.compare, {path, options.load, options.threads});
    }
    report.weight_bytes = model->weight_bytes();
    report.weight_bytes_per_token = model->weight_bytes_per_token();
    report.isa = model->isa();
    BenchRunner runner = TRY(BenchRunner::create(*model, options.load));
    report.kv_bytes = runner.kv_bytes();
    TRY(measure(options, report.peer_command, runner, pool, report));
    report.memory_peak = memory_peak_bytes();
  }
  report.bandwidth = TRY(measure_read_bandwidth(pool));
  fmt::print("{}", options.json ? bench_json(report) : bench_text(report));
  return kExitOk;
}

Result<int> run(const CLI::App& app, Options options) {
  if (options.list_presets) {
    print_presets(options.json);
    return kExitOk;
  }
  if (options.model.empty() == options.preset.empty()) {
    return wrong_usage(app, "give either a MODEL or a --preset");
  }
  if (options.preset.empty() && app.count("--type") > 0) {
    return wrong_usage(app, "--type is for a --preset; a MODEL has its own");
  }
  if (!options.write.empty()) {
    if (options.preset.empty()) return wrong_usage(app, "--write is for a --preset");
    return write(options);
  }
  options.load.kv_type = kv_type(options.kv);
  return measure_and_print(app, options);
}

}  // namespace

Run add_bench(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("MODEL", options->model, "a GGUF file, a name in the store, or demo");
  app.add_option("--preset", options->preset, "made-up weights of a well-known model's shape");
  app.add_option("--type", options->type, "block formats of the preset's weights")
      ->capture_default_str();
  app.add_option(
      "--write", options->write,
      "write the preset as a GGUF file, to measure other programs on, and do nothing else");
  app.add_flag("--list-presets", options->list_presets, "name the presets and their sizes");
  app.add_option("--prompt", options->load.prompt, "tokens of the prompt")
      ->check(CLI::Range(uint32_t{0}, kTokensMax))
      ->capture_default_str();
  app.add_option("--generate", options->load.generate, "tokens to generate")
      ->check(CLI::Range(uint32_t{0}, kTokensMax))
      ->capture_default_str();
  app.add_option("--parallel", options->load.parallel, "sequences, decoded together")
      ->check(CLI::Range(uint32_t{1}, kParallelMax))
      ->capture_default_str();
  app.add_option("--repeat", options->load.repeat, "runs; the medians are reported")
      ->check(CLI::Range(uint32_t{1}, kRepeatMax))
      ->capture_default_str();
  add_threads_option(app, options->threads);
  add_kv_option(app, options->kv);
  app.add_option("--compare", options->compare,
                 "a shell command that measures another program, run in turn with ours");
  app.add_option("--compare-seconds", options->peer_seconds, "time limit for each run of it")
      ->check(CLI::Range(uint32_t{1}, kPeerSecondsMax))
      ->capture_default_str();
  app.add_flag("--json", options->json, "one JSON object instead of text");
  app.footer(
      "Examples:\n"
      "  sotto bench model.gguf --prompt 512 --generate 128\n"
      "  sotto bench --preset deepseek-r1-distill-qwen-1.5b --type Q4_K_M --json");
  return [options, &app] { return run(app, *options); };
}

}  // namespace sotto::cmd

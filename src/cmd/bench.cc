// `sotto bench`: what a model, or a shape of model, makes of this machine.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <string>

#include "base/memory.h"
#include "base/progress.h"
#include "base/threads.h"
#include "cmd/bandwidth.h"
#include "cmd/bench_measure.h"
#include "cmd/commands.h"
#include "cmd/machine.h"
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

struct Options {
  std::string model;
  std::string preset;
  std::string type = "Q4_K_M";
  bool list_presets = false;
  std::string write;
  BenchLoad load;
  uint32_t threads = 1;
  std::string kv = "f16";
  bool json = false;
};

// Everything that is reported, after the model has left the memory.
struct Report {
  std::string name;
  bool synthetic = false;
  uint64_t weight_bytes = 0;
  uint64_t weight_bytes_per_token = 0;
  std::string isa;
  uint64_t memory_peak = 0;
  BenchTimes times;
  Bandwidth bandwidth{};
};

// A rate; 0 where nothing was measured.
double rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? amount / seconds : 0;
}

double prompt_rate(const Options& options, const Report& report) {
  return rate(double{1} * options.load.prompt * options.load.parallel, report.times.prompt_seconds);
}

double generate_rate(const Options& options, const Report& report) {
  return rate(double{1} * options.load.generate * options.load.parallel,
              report.times.generate_seconds);
}

// Sequences that are decoded together share one reading of the weights.
double weight_rate(const Options& options, const Report& report) {
  return rate(static_cast<double>(report.weight_bytes_per_token) * options.load.generate,
              report.times.generate_seconds);
}

double bandwidth_share(const Options& options, const Report& report) {
  return rate(weight_rate(options, report), report.bandwidth.bytes_per_second);
}

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

Result<std::unique_ptr<model::Model>> open_or_make_model(const Options& options, ThreadPool& pool) {
  const model::ForwardLimits limits{
      .batch_tokens_max = std::max(kBatchTokens, options.load.parallel),
      .logit_rows_max = options.load.parallel};
  if (options.preset.empty()) {
    const gguf::Source source = TRY(open_model(options.model));
    return model::Model::load(source, limits, pool, terminal_progress("loading"));
  }
  const Preset* preset = TRY(find_preset(options.preset));
  const gguf::Description description = TRY(describe_preset(*preset, options.type));
  TRY(check_fits(*preset, description, options.load));
  return model::Model::synthetic(description, limits, pool);
}

void print_text(const Options& options, const Report& report) {
  const auto bytes_rate = [](double rate) { return format_bytes(static_cast<uint64_t>(rate)); };
  fmt::print("model     {}{}, {} of weights\n", report.name,
             report.synthetic ? " " + options.type + " (synthetic weights)" : "",
             format_bytes(report.weight_bytes));
  const std::string processor = processor_name();
  fmt::print("machine   {}{}{} threads, {}, reads {}/s\n", processor, processor.empty() ? "" : ", ",
             options.threads, report.isa, bytes_rate(report.bandwidth.bytes_per_second));
  if (options.load.prompt > 0) {
    fmt::print("prompt    {} x {} tokens in {:.2f} s: {:.1f} tokens/s\n", options.load.parallel,
               options.load.prompt, report.times.prompt_seconds, prompt_rate(options, report));
  }
  if (options.load.generate > 0) {
    fmt::print("generate  {} x {} tokens in {:.2f} s: {:.1f} tokens/s\n", options.load.parallel,
               options.load.generate, report.times.generate_seconds,
               generate_rate(options, report));
    fmt::print("          {}/s of weights, {:.0f}% of what this machine reads\n",
               bytes_rate(weight_rate(options, report)), 100 * bandwidth_share(options, report));
  }
  fmt::print("memory    {} at most, {} of it keys and values ({})\n",
             format_bytes(report.memory_peak), format_bytes(report.times.kv_bytes), options.kv);
  fmt::print("hash      {}\n", report.times.hash);
}

void print_json(const Options& options, const Report& report) {
  const boost::json::object out{
      {"model", report.name},
      {"type", report.synthetic ? boost::json::value(options.type) : nullptr},
      {"synthetic", report.synthetic},
      {"weight_bytes", report.weight_bytes},
      {"weight_bytes_per_token", report.weight_bytes_per_token},
      {"processor", processor_name()},
      {"threads", options.threads},
      {"isa", report.isa},
      {"read_bytes_per_second", report.bandwidth.bytes_per_second},
      {"parallel", options.load.parallel},
      {"repeat", options.load.repeat},
      {"prompt_tokens", options.load.prompt},
      {"prompt_seconds", report.times.prompt_seconds},
      {"prompt_tokens_per_second", prompt_rate(options, report)},
      {"generate_tokens", options.load.generate},
      {"generate_seconds", report.times.generate_seconds},
      {"generate_tokens_per_second", generate_rate(options, report)},
      {"weight_bytes_per_second", weight_rate(options, report)},
      {"bandwidth_share", bandwidth_share(options, report)},
      {"kv_type", options.kv},
      {"kv_bytes", report.times.kv_bytes},
      {"memory_peak_bytes", report.memory_peak},
      {"hash", report.times.hash},
  };
  fmt::print("{}\n", boost::json::serialize(out));
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
  ThreadPool pool(options.threads);
  Report report;
  report.synthetic = !options.preset.empty();
  {
    const std::unique_ptr<model::Model> model = TRY(open_or_make_model(options, pool));
    report.name = report.synthetic ? options.preset : printable(model->shape().name);
    report.weight_bytes = model->weight_bytes();
    report.weight_bytes_per_token = model->weight_bytes_per_token();
    report.isa = model->isa();
    report.times = TRY(measure_model(*model, options.load, step_progress("measuring")));
    report.memory_peak = memory_peak_bytes();
  }
  report.bandwidth = TRY(measure_read_bandwidth(pool));
  options.json ? print_json(options, report) : print_text(options, report);
  return kExitOk;
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
  app.add_flag("--json", options->json, "one JSON object instead of text");
  app.footer(
      "Examples:\n"
      "  sotto bench model.gguf --prompt 512 --generate 128\n"
      "  sotto bench --preset deepseek-r1-distill-qwen-1.5b --type Q4_K_M --json");
  return [options, &app] { return run(app, *options); };
}

}  // namespace sotto::cmd

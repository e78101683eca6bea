// How fast matrices are multiplied: every format, shape, instruction set and number of tokens.
// SPDX-License-Identifier: Apache-2.0
//
// Each result is also a share of what this machine does at most, measured in the same run with the
// same threads: of read bandwidth, and of multiply-adds on registers alone (int8, or float for
// floating-point weights). Matrices are kept in so many copies that none is still in a cache when
// its turn comes again, as in a model. --threads=N (default 1); --tiny: for tests. The rest
// are Google Benchmark's own options; names are ISA/TYPE/ROWSxCOLUMNS/TOKENS.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bandwidth.h"
#include "base/check.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/threads.h"
#include "gguf/random_blocks.h"
#include "kernels/dispatch.h"
#include "kernels/layout.h"

namespace {

using namespace sotto;
using gguf::TensorType;
using kernels::Kernels;
using kernels::Matrix;

struct Shape {
  uint32_t rows;
  uint32_t columns;
};
// The two directions of a 1.5B model's feed-forward layer, and a square one as larger models have.
constexpr Shape kShapes[] = {{8960, 1536}, {1536, 8960}, {4096, 4096}};
constexpr Shape kTinyShapes[] = {{32, 512}};
constexpr uint32_t kTokens[] = {1, 2, 4, 8, 16, 32, 128, 512};
// The scalar reference is not there to be fast: more tokens would only take time.
constexpr uint32_t kScalarTokensMax = 2;

struct Settings {
  uint32_t threads = 1;
  bool tiny = false;
};

float made_up_value(uint64_t index) {
  return static_cast<float>((index * 2654435761u >> 8) % 2001) / 1000 - 1;
}

// Of whole huge pages, as an engine's one large block is: small pages cost what is not measured here.
Memory allocate(uint64_t bytes) {
  auto memory = Memory::allocate(std::max<uint64_t>(bytes, 4 << 20), "the benchmark's data");
  CHECK(memory.has_value());
  return std::move(*memory);
}

// Copies of one matrix, together much larger than the caches.
class Weights {
 public:
  Weights(TensorType type, Shape shape, uint64_t bytes_min) : type_(type), shape_(shape) {
    matrix_ = {type, shape.rows, shape.columns, kernels::group_bytes(type, shape.columns), nullptr};
    const uint64_t bytes = matrix_.groups() * matrix_.group_bytes;
    copies_ = std::max<uint64_t>(1, bytes_min / bytes);
    memory_ = allocate(bytes * copies_);
    const gguf::TypeTraits& format = gguf::traits(type);
    const uint64_t group_elements = uint64_t{kernels::kGroupRows} * shape.columns;
    std::vector<uint8_t> rows(group_elements / format.block_elements * format.block_bytes);
    gguf::RandomBlocks().fill(type, shape.columns, group_elements, rows.data());
    kernels::pack_group(type, shape.columns, rows.data(), kernels::kGroupRows, memory_.data());
    for (uint64_t at = matrix_.group_bytes; at < bytes * copies_; at += matrix_.group_bytes) {
      std::memcpy(memory_.data() + at, memory_.data(), matrix_.group_bytes);
    }
  }

  bool are(TensorType type, Shape shape) const {
    return type == type_ && shape.rows == shape_.rows && shape.columns == shape_.columns;
  }
  uint64_t bytes() const { return matrix_.groups() * matrix_.group_bytes; }
  Matrix copy(uint64_t index) const {
    Matrix matrix = matrix_;
    matrix.data = memory_.data() + index % copies_ * bytes();
    return matrix;
  }

 private:
  TensorType type_;
  Shape shape_;
  Matrix matrix_{};
  uint64_t copies_ = 1;
  Memory memory_;
};

// Everything around one product, in the form that the kernels want it: the only place that knows.
class Product {
 public:
  Product(const Kernels& kernels, const Weights& weights, uint32_t tokens)
      : kernels_(kernels), weights_(weights) {
    const Matrix matrix = weights.copy(0);
    const uint32_t block = gguf::traits(matrix.type).block_elements;
    const uint64_t block_stride = tokens | 1;  // as in a model
    stride_ = uint64_t{matrix.groups()} * kernels::kGroupRows;
    values_.resize(uint64_t{tokens} * matrix.columns);
    for (uint64_t i = 0; i < values_.size(); ++i) values_[i] = made_up_value(i);
    blocks_ = allocate(kernels::activation_blocks(matrix.columns) * block_stride *
                       sizeof(kernels::ActivationBlock));
    outputs_ = allocate(tokens * stride_ * sizeof(float));
    auto* blocks = reinterpret_cast<kernels::ActivationBlock*>(blocks_.data());
    for (uint32_t token = 0; block > 1 && token < tokens; ++token) {
      kernels.quantize(values_.data() + uint64_t{token} * matrix.columns, matrix.columns, block,
                       blocks + token, block_stride);
    }
    activations_ = {tokens, matrix.columns, values_.data(), matrix.columns, blocks, block_stride};
  }

  void run(ThreadPool& pool, uint64_t round) {
    const Matrix matrix = weights_.copy(round);
    pool.for_range(matrix.groups(), 1, [&](uint64_t begin, uint64_t end) {
      kernels_.multiply[static_cast<uint32_t>(matrix.type)](matrix, static_cast<uint32_t>(begin),
                                                            static_cast<uint32_t>(end),
                                                            activations_, outputs(), stride_);
    });
  }

  // Equal on every machine and instruction set, and the proof that the work was done.
  uint64_t hash() const {
    uint64_t hash = 0xcbf29ce484222325;
    for (uint64_t i = 0; i < activations_.tokens * stride_; ++i) {
      uint32_t bits;
      std::memcpy(&bits, outputs() + i, sizeof bits);
      hash = (hash ^ bits) * 0x100000001b3;
    }
    return hash;
  }

 private:
  float* outputs() const { return reinterpret_cast<float*>(outputs_.data()); }

  const Kernels& kernels_;
  const Weights& weights_;
  std::vector<float> values_;
  Memory blocks_;
  Memory outputs_;
  kernels::Activations activations_{};
  uint64_t stride_ = 0;
};

// Operations per second of all the pool's threads together, the best of several tries.
double measure_peak(kernels::Peak peak, ThreadPool& pool, bool tiny) {
  const uint64_t rounds = tiny ? 1000 : 2'000'000;
  double best = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    std::vector<uint64_t> operations(pool.threads());
    std::vector<uint32_t> sinks(pool.threads());
    const auto start = std::chrono::steady_clock::now();
    pool.run([&](uint32_t thread) { operations[thread] = peak(rounds, &sinks[thread]); });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    benchmark::DoNotOptimize(sinks.data());
    uint64_t total = 0;
    for (const uint64_t count : operations) total += count;
    best = std::max(best, static_cast<double>(total) / seconds.count());
  }
  return best;
}

struct Level {
  Kernels kernels;
  double int8_peak;
  double float_peak;
};

class KernelBench {
 public:
  explicit KernelBench(const Settings& settings) : settings_(settings), pool_(settings.threads) {
    const auto bandwidth = measure_read_bandwidth(pool_);
    CHECK(bandwidth.has_value());
    bandwidth_ = bandwidth->bytes_per_second;
    for (const kernels::Isa isa : kernels::supported_levels()) {
      const Kernels kernels = kernels::make_kernels(isa);
      levels_.push_back({kernels, measure_peak(kernels.int8_peak, pool_, settings.tiny),
                         measure_peak(kernels.float_peak, pool_, settings.tiny)});
    }
  }

  void describe_machine() const {
    benchmark::AddCustomContext("processor", processor_name());
    benchmark::AddCustomContext("threads", fmt::to_string(settings_.threads));
    benchmark::AddCustomContext("read_bytes_per_second", fmt::format("{:.4g}", bandwidth_));
    for (const Level& level : levels_) {
      const std::string isa = level.kernels.isa;
      benchmark::AddCustomContext(isa + "_int8_operations_per_second",
                                  fmt::format("{:.4g}", level.int8_peak));
      benchmark::AddCustomContext(isa + "_float_operations_per_second",
                                  fmt::format("{:.4g}", level.float_peak));
    }
  }

  // Grouped by matrix, so that few are made anew.
  void add_all() {
    const std::span<const Shape> shapes =
        settings_.tiny ? std::span<const Shape>(kTinyShapes) : std::span<const Shape>(kShapes);
    for (const gguf::TypeTraits& format : gguf::all_types()) {
      for (const Shape shape : shapes) {
        for (const Level& level : levels_) add(level, format, shape);
      }
    }
  }

 private:
  void add(const Level& level, const gguf::TypeTraits& format, Shape shape) {
    const bool scalar = std::string_view(level.kernels.isa) == "scalar";
    for (const uint32_t tokens : kTokens) {
      if (scalar && tokens > kScalarTokensMax) continue;
      const std::string name = fmt::format("{}/{}/{}x{}/{}", level.kernels.isa, format.name,
                                           shape.rows, shape.columns, tokens);
      benchmark::RegisterBenchmark(name.c_str(),
                                   [=, this, &level](benchmark::State& state) {
                                     run(state, level, format.type, shape, tokens);
                                   })
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }

  const Weights& weights(TensorType type, Shape shape) {
    constexpr uint64_t kCacheMultiple = 4;
    if (weights_ == nullptr || !weights_->are(type, shape)) {
      weights_.reset();  // before there are two
      const uint64_t bytes_min = settings_.tiny ? 0 : kCacheMultiple * last_level_cache_bytes();
      weights_ = std::make_unique<Weights>(type, shape, bytes_min);
    }
    return *weights_;
  }

  void run(benchmark::State& state, const Level& level, TensorType type, Shape shape,
           uint32_t tokens) {
    const Weights& matrix = weights(type, shape);
    Product product(level.kernels, matrix, tokens);
    uint64_t round = 0;
    for (auto _ : state) product.run(pool_, round++);
    const double bytes = static_cast<double>(matrix.bytes());
    const double operations = 2.0 * shape.rows * shape.columns * tokens;
    const bool is_float = gguf::traits(type).block_elements == 1;
    const double peak = is_float ? level.float_peak : level.int8_peak;
    const auto per_second = benchmark::Counter::kIsIterationInvariantRate;
    state.counters["weight_bytes_per_second"] = {bytes, per_second};
    state.counters["operations_per_second"] = {operations, per_second};
    state.counters["bandwidth_share"] = {bytes / bandwidth_, per_second};
    state.counters["peak_share"] = {operations / peak, per_second};
    state.counters["operations_per_byte"] = operations / bytes;
    state.SetLabel(fmt::format("{:016x}", product.hash()));
  }

  Settings settings_;
  ThreadPool pool_;
  double bandwidth_ = 0;
  std::vector<Level> levels_;
  std::unique_ptr<Weights> weights_;
};

// Takes our own options out of the command line.
Settings take_settings(int& argc, char** argv) {
  Settings settings;
  int kept = 1;
  for (int index = 1; index < argc; ++index) {
    const std::string_view argument = argv[index];
    constexpr std::string_view kThreads = "--threads=";
    if (argument == "--tiny") {
      settings.tiny = true;
    } else if (argument.starts_with(kThreads)) {
      const std::string_view number = argument.substr(kThreads.size());
      const auto [end, error] =
          std::from_chars(number.data(), number.data() + number.size(), settings.threads);
      CHECK(error == std::errc() && end == argument.data() + argument.size());
      CHECK(settings.threads >= 1);
    } else {
      argv[kept++] = argv[index];
    }
  }
  argc = kept;
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = take_settings(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  KernelBench bench(settings);
  bench.describe_machine();
  bench.add_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

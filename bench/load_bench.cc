// How fast a model is loaded with all its digests, beside only reading and hashing its file.
// SPDX-License-Identifier: Apache-2.0
//
// SOTTO_LOAD_BENCH_MIB sets the size of the file that is made for it (default 16).
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/memory.h"
#include "base/threads.h"
#include "crypto/sha256.h"
#include "gguf/load.h"
#include "gguf/writer.h"
#include "kernels/layout.h"

namespace {

using namespace sotto;

// A file of Q4_K tensors the size of a layer's, removed at the end.
class ModelFile {
 public:
  ModelFile() {
    const char* wanted = std::getenv("SOTTO_LOAD_BENCH_MIB");
    const uint64_t mib = wanted == nullptr ? 16 : std::max(1, std::atoi(wanted));
    constexpr uint64_t kColumns = 2048;
    constexpr uint64_t kRowBytes = kColumns / 256 * 144;
    const uint64_t rows = std::min<uint64_t>(mib << 20, 32 << 20) / kRowBytes;
    std::vector<uint8_t> data(rows * kRowBytes);
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i * 131 >> 3);
    std::vector<gguf::TensorData> tensors;
    for (uint64_t bytes = 0; bytes < mib << 20; bytes += data.size()) {
      tensors.push_back({fmt::format("blk.{}.weight", tensors.size()),
                         gguf::TensorType::Q4_K,
                         {kColumns, rows},
                         data});
    }
    CHECK(gguf::write_file(path_, {}, tensors).has_value());
  }
  ~ModelFile() { std::filesystem::remove(path_); }
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  uint64_t bytes() const { return std::filesystem::file_size(path_); }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / fmt::format("sotto-load-bench-{}.gguf", ::getpid());
};

const ModelFile& model_file() {
  static const ModelFile file;
  return file;
}

// The yardstick: one thread that reads the file and hashes it.
void read_and_sha256(benchmark::State& state) {
  const ModelFile& file = model_file();
  std::vector<uint8_t> buffer(1 << 20);
  for (auto _ : state) {
    const int descriptor = ::open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
    CHECK(descriptor >= 0);
    crypto::Sha256 hash;
    for (ssize_t got; (got = ::read(descriptor, buffer.data(), buffer.size())) > 0;) {
      hash.update(Bytes(buffer).first(static_cast<size_t>(got)));
    }
    ::close(descriptor);
    benchmark::DoNotOptimize(hash.finish());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * file.bytes()));
}
BENCHMARK(read_and_sha256)->UseRealTime()->Unit(benchmark::kMillisecond);

// A consumer that does the least that loading needs: it keeps the data in memory like a model's.
class Keep : public gguf::TensorSink {
 public:
  explicit Keep(const gguf::Description& description) {
    // Tensors stay where they are in the file, but for the rounding up of groups and starts.
    auto memory = Memory::allocate(description.files[0].bytes + (1 << 20), "the benchmark's model");
    CHECK(memory.has_value());
    memory_ = std::move(*memory);
  }
  uint64_t granule_bytes(const gguf::TensorInfo& tensor) override {
    return tensor.bytes / tensor.rows();
  }
  Result<void> take(const gguf::TensorInfo& tensor, uint64_t offset, Bytes bytes) override {
    std::memcpy(memory_.data() + tensor.offset + offset, bytes.data(), bytes.size());
    return {};
  }

 protected:
  uint8_t* data() const { return memory_.data(); }

 private:
  Memory memory_;
};

// The model's own consumer: the rows go into the kernels' layout.
class Pack : public Keep {
 public:
  using Keep::Keep;
  uint64_t granule_bytes(const gguf::TensorInfo& tensor) override {
    return kernels::kGroupRows * Keep::granule_bytes(tensor);
  }
  Result<void> take(const gguf::TensorInfo& tensor, uint64_t offset, Bytes bytes) override {
    const auto columns = static_cast<uint32_t>(tensor.row_elements());
    const uint64_t row_bytes = tensor.bytes / tensor.rows();
    const uint64_t group_bytes = kernels::group_bytes(tensor.type, columns);
    for (uint64_t at = 0; at < bytes.size(); at += kernels::kGroupRows * row_bytes) {
      const auto rows = static_cast<uint32_t>(
          std::min<uint64_t>(kernels::kGroupRows, (bytes.size() - at) / row_bytes));
      // Groups are as long as their rows, so a tensor begins where it does in the file, rounded up.
      uint8_t* tensor_at = data() + (tensor.offset + 63) / 64 * 64;
      kernels::pack_group(
          tensor.type, columns, bytes.data() + at, rows,
          tensor_at + (offset + at) / row_bytes / kernels::kGroupRows * group_bytes);
    }
    return {};
  }
};

// Argument: threads, 0 for as many as there are processors.
template <class Sink>
void load(benchmark::State& state) {
  const ModelFile& file = model_file();
  const auto wanted = static_cast<uint32_t>(state.range(0));
  const uint32_t threads = wanted == 0 ? processors_available() : wanted;
  std::string root;
  for (auto _ : state) {
    const auto source = gguf::Source::open(file.path());
    CHECK(source.has_value());
    Sink sink(source->description());
    const auto identity = source->read(&sink, threads, {});
    CHECK(identity.has_value());
    root = gguf::to_hex(identity->model_root).substr(0, 16);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * file.bytes()));
  state.SetLabel(fmt::format("{} threads, root {}", threads, root));
}
BENCHMARK(load<Keep>)->Arg(1)->Arg(0)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(load<Pack>)->Arg(1)->Arg(0)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();

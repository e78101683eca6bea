// How fast text becomes tokens, ordinary text and long runs, and how fast a vocabulary is read.
// SPDX-License-Identifier: Apache-2.0
//
// Uses small vocabularies of its own, and every tokenizer/*.gguf below SOTTO_ORACLE_DIR where that
// environment variable is set.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "gguf/file.h"
#include "text/tokenizer.h"
#include "text/vocabulary_for_testing.h"

namespace {

using namespace sotto;

constexpr size_t kTextBytes = 1'000'000;

constexpr std::string_view kProse =
    "Remote attestation lets you check which program answers before your words leave your "
    "machine; it doesn't hide them from that program. In 2024, 3,141 servers (some in Zürich) "
    "ran it:\n\n    if (quote.verify(nonce) == kOk) { return answer(\"hello world\"); }\n\n"
    "可信执行环境保护使用中的数据。Привет, мир! これはテストです。 😀\n";

std::string repeated(std::string_view unit) {
  std::string text;
  while (text.size() + unit.size() <= kTextBytes) text += unit;
  return text;
}

void encode(benchmark::State& state, const gguf::Metadata& metadata, const std::string& text) {
  const auto tokenizer = text::Tokenizer::from_metadata(metadata);
  CHECK(tokenizer.has_value());
  // The hash shows that the work was done, and that it is the same on every machine.
  uint64_t hash = 0;
  for (auto _ : state) {
    const auto ids = tokenizer->encode(text, false);
    CHECK(ids.has_value());
    hash = 0xcbf29ce484222325;
    for (const TokenId id : *ids) hash = (hash ^ static_cast<uint64_t>(id)) * 0x100000001b3;
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
  state.SetLabel(fmt::format("{:016x}", hash));
}

void stream(benchmark::State& state, const gguf::Metadata& metadata, const std::string& text) {
  const auto tokenizer = text::Tokenizer::from_metadata(metadata);
  CHECK(tokenizer.has_value());
  const std::vector<TokenId> ids = tokenizer->encode(text, false).value();
  for (auto _ : state) {
    text::Detokenizer detokenizer(*tokenizer);
    for (const TokenId id : ids) benchmark::DoNotOptimize(detokenizer.push(id));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * ids.size()));
}

void read(benchmark::State& state, const gguf::Metadata& metadata) {
  for (auto _ : state) CHECK(text::Tokenizer::from_metadata(metadata).has_value());
}

void add(const std::string& name, const gguf::Metadata& metadata) {
  // Benchmarks run after main registered them, so they share what they use.
  const auto shared = std::make_shared<const gguf::Metadata>(metadata);
  const auto encode_unit = [&](const char* what, std::string_view unit) {
    benchmark::RegisterBenchmark((name + "/encode_" + what).c_str(), [shared,
                                                                      text = repeated(unit)](
                                                                         benchmark::State& state) {
      encode(state, *shared, text);
    })->Unit(benchmark::kMillisecond);
  };
  encode_unit("prose", kProse);
  encode_unit("one_letter", "a");
  encode_unit("spaces", " ");
  encode_unit("emoji", "\U0001F600");
  benchmark::RegisterBenchmark((name + "/stream").c_str(), [shared](benchmark::State& state) {
    stream(state, *shared, repeated(kProse));
  })->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark((name + "/read").c_str(), [shared](benchmark::State& state) {
    read(state, *shared);
  })->Unit(benchmark::kMillisecond);
}

void add_oracle_vocabularies() {
  const char* folder = std::getenv("SOTTO_ORACLE_DIR");
  if (folder == nullptr) return;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(folder) / "tokenizer")) {
    if (entry.path().extension() == ".gguf") paths.push_back(entry.path());
  }
  CHECK(!paths.empty());
  std::ranges::sort(paths);
  for (const auto& path : paths) {
    const auto description = gguf::describe(path);
    CHECK(description.has_value());
    add(path.stem().string(), description->metadata);
  }
}

}  // namespace

int main(int argc, char** argv) {
  add("byte_level", text::byte_level_vocabulary().metadata());
  add("sentencepiece", text::sentencepiece_vocabulary().metadata());
  add_oracle_vocabularies();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

// Models against the reference logits, and the numerics contract at the level of whole forward passes.
// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kernels/dispatch.h"

namespace sotto::model {
namespace {

const std::filesystem::path kOracle = std::filesystem::path(SOTTO_ORACLE_DIR) / "models";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Case {
  std::string model;
  std::vector<float> logits;
  double reference_nmse;
};
struct Oracle {
  std::vector<TokenId> ids;
  std::vector<Case> cases;
};

Oracle read_oracle() {
  Oracle oracle;
  const boost::json::value index = boost::json::parse(read_file(kOracle / "index.json"));
  for (const auto& id : index.at("ids").as_array()) {
    oracle.ids.push_back(static_cast<TokenId>(id.as_int64()));
  }
  for (const auto& entry : index.at("models").as_array()) {
    Case one;
    one.model = entry.at("model").as_string().c_str();
    one.reference_nmse = entry.at("reference_nmse").as_double();
    const std::string bytes = read_file(kOracle / entry.at("logits").as_string().c_str());
    one.logits.resize(bytes.size() / sizeof(float));
    std::memcpy(one.logits.data(), bytes.data(), one.logits.size() * sizeof(float));
    oracle.cases.push_back(std::move(one));
  }
  return oracle;
}

// A part of a batch, in the order in which logits come out.
std::vector<float> run(Model& model, const std::vector<TokenId>& ids, uint32_t chunk,
                       KvType type = KvType::F16) {
  auto cache = KvCache::create(model.kv_layout(type), ids.size());
  EXPECT_TRUE(cache) << cache.error().message;
  auto sequence = (*cache)->reserve(static_cast<uint32_t>(ids.size()));
  EXPECT_TRUE(sequence);
  std::vector<float> all;
  for (size_t at = 0; at < ids.size(); at += chunk) {
    const std::span<const TokenId> tokens(ids.data() + at,
                                          std::min<size_t>(chunk, ids.size() - at));
    const BatchPart part{&*sequence, tokens, Want::all};
    const Result<Logits> logits = model.forward({&part, 1});
    EXPECT_TRUE(logits) << logits.error().message;
    for (uint32_t row = 0; row < logits->rows; ++row) {
      all.insert(all.end(), logits->row(row).begin(), logits->row(row).end());
    }
  }
  return all;
}

double nmse(const std::vector<float>& actual, const std::vector<float>& expected) {
  double error = 0, size = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error += (double{actual[i]} - expected[i]) * (double{actual[i]} - expected[i]);
    size += double{expected[i]} * expected[i];
  }
  return error / size;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::unique_ptr<Model> load(const std::filesystem::path& path, ThreadPool& pool) {
  auto source = gguf::Source::open(path);
  EXPECT_TRUE(source) << source.error().message;
  auto model = Model::load(*source, {.batch_tokens_max = 256, .logit_rows_max = 64}, pool, {});
  EXPECT_TRUE(model) << model.error().message;
  return std::move(*model);
}

class Level {
 public:
  explicit Level(kernels::Isa isa) { setenv("SOTTO_ISA", kernels::make_kernels(isa).isa, 1); }
  ~Level() { unsetenv("SOTTO_ISA"); }
};

TEST(OracleTest, logits_are_the_references) {
  if (!std::filesystem::exists(kOracle)) GTEST_SKIP() << "NO ORACLE at " << kOracle;
  const Oracle oracle = read_oracle();
  ASSERT_GE(oracle.cases.size(), 29u);
  ThreadPool pool(2);
  for (const Case& one : oracle.cases) {
    const std::unique_ptr<Model> model = load(kOracle / one.model, pool);
    const std::vector<float> logits = run(*model, oracle.ids, 64);
    ASSERT_EQ(one.logits.size(), logits.size()) << one.model;
    const double error = nmse(logits, one.logits);
    const bool exact = one.model.find("16") != std::string::npos;
    std::printf("%-22s nmse %.3e  reference %.3e  ratio %.2f\n", one.model.c_str(), error,
                one.reference_nmse, error / one.reference_nmse);
    EXPECT_LE(error, exact ? 1e-5 : 8e-4) << one.model;
    EXPECT_LE(error, one.reference_nmse * 1.2) << one.model;
  }
}

TEST(OracleTest, every_level_thread_count_and_chunk_gives_the_same_bits) {
  if (!std::filesystem::exists(kOracle)) GTEST_SKIP() << "NO ORACLE at " << kOracle;
  const Oracle oracle = read_oracle();
  ASSERT_FALSE(oracle.cases.empty());
  for (const Case& one : oracle.cases) {
    ThreadPool alone(1), two(2);
    for (const KvType type : {KvType::F16, KvType::Q8_0}) {
      std::vector<float> expected;
      for (const kernels::Isa isa : kernels::supported_levels()) {
        const Level level(isa);
        for (ThreadPool* pool : {&alone, &two}) {
          const std::unique_ptr<Model> model = load(kOracle / one.model, *pool);
          for (const uint32_t chunk : {64u, 1u, 7u}) {
            if (isa == kernels::Isa::scalar && chunk != 64) continue;  // slow, and one is enough
            const std::vector<float> logits = run(*model, oracle.ids, chunk, type);
            if (expected.empty()) expected = logits;
            EXPECT_TRUE(same_bits(expected, logits))
                << one.model << " level " << model->isa() << " threads " << pool->threads()
                << " chunk " << chunk;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace sotto::model

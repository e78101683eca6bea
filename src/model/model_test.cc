// Models against the reference logits, and the numerics contract at the level of whole forward passes.
// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "crypto/sha256.h"
#include "kernels/dispatch.h"
#include "model/pass.h"

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
          if (isa == kernels::Isa::scalar && pool == &alone) continue;  // slow
          const std::unique_ptr<Model> model = load(kOracle / one.model, *pool);
          for (const uint32_t chunk : {64u, 1u, 7u}) {
            // Chunks on one level are enough here; ModelTest crosses them with all the others.
            if (chunk != 64 && (pool == &alone || isa != kernels::supported_levels().back())) {
              continue;
            }
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

// The bundled model is always there; 200 tokens go over two pages.
const std::filesystem::path kDemo = std::filesystem::path(SOTTO_SOURCE_DIR) / "models/demo.gguf";

std::vector<TokenId> some_tokens(uint32_t count, uint32_t vocabulary, uint32_t seed) {
  std::vector<TokenId> ids(count);
  for (uint32_t i = 0; i < count; ++i) {
    seed = seed * 1664525 + 1013904223;
    ids[i] = static_cast<TokenId>((seed >> 8) % vocabulary);
  }
  return ids;
}

TEST(ModelTest, every_level_thread_count_and_chunk_gives_the_same_bits) {
  for (const KvType type : {KvType::F16, KvType::Q8_0}) {
    std::vector<float> expected;
    for (const kernels::Isa isa : kernels::supported_levels()) {
      const Level level(isa);
      for (const uint32_t threads : {1u, 2u, 3u}) {
        ThreadPool pool(threads);
        const std::unique_ptr<Model> model = load(kDemo, pool);
        const std::vector<TokenId> ids = some_tokens(200, model->shape().vocabulary, 1);
        for (const uint32_t chunk : {64u, 1u, 7u}) {
          if (isa == kernels::Isa::scalar && (chunk != 64 || threads != 2)) continue;  // slow
          const std::vector<float> logits = run(*model, ids, chunk, type);
          if (expected.empty()) expected = logits;
          EXPECT_TRUE(same_bits(expected, logits))
              << model->isa() << " threads " << threads << " chunk " << chunk;
        }
      }
    }
  }
}

// Long enough that few queries' pages are shared out among the threads, in more than one round.
TEST(ModelTest, pages_that_threads_share_give_the_same_bits) {
  for (const KvType type : {KvType::F16, KvType::Q8_0}) {
    std::vector<float> expected;
    for (const uint32_t threads : {1u, 2u, 7u}) {
      ThreadPool pool(threads);
      const std::unique_ptr<Model> model = load(kDemo, pool);
      const uint32_t vocabulary = model->shape().vocabulary;
      const uint32_t context = 1000;
      ASSERT_LE(context, model->shape().context_max);
      auto cache = KvCache::create(model->kv_layout(type), context);
      ASSERT_TRUE(cache);
      auto sequence = (*cache)->reserve(context);
      ASSERT_TRUE(sequence);
      const std::vector<TokenId> ids = some_tokens(context, vocabulary, 3);
      std::vector<float> actual;
      // Single tokens on four pages, few on more, then so many that each round is of four pages.
      for (uint32_t at = 0; at < context;) {
        const uint32_t left = context - at;
        const uint32_t count = at >= 400 && at < 404 ? 1
                               : at < 800            ? 50
                                                     : kSplitPages / kSplitPagesMin;
        const std::span<const TokenId> tokens(ids.data() + at, std::min(count, left));
        const BatchPart part{&*sequence, tokens, Want::last};
        const Result<Logits> logits = model->forward({&part, 1});
        ASSERT_TRUE(logits) << logits.error().message;
        actual.insert(actual.end(), logits->row(0).begin(), logits->row(0).end());
        at += static_cast<uint32_t>(tokens.size());
      }
      if (expected.empty()) expected = actual;
      EXPECT_TRUE(same_bits(expected, actual)) << threads << " threads";
    }
  }
}

// The bits themselves, so that compilers and machines are held to one another, not only levels on one.
// A new bundled model or numerics version changes them; nothing else may.
TEST(ModelTest, logits_of_the_bundled_model_have_the_known_digest) {
  ThreadPool pool(2);
  const std::unique_ptr<Model> model = load(kDemo, pool);
  const std::vector<TokenId> ids = some_tokens(150, model->shape().vocabulary, 2);
  const auto digest = [&](KvType type) {
    const std::vector<float> logits = run(*model, ids, 64, type);
    const auto* bytes = reinterpret_cast<const uint8_t*>(logits.data());
    return gguf::to_hex(crypto::sha256({bytes, logits.size() * sizeof(float)}));
  };
  EXPECT_EQ("fc5cf22316d8f2d8575bbeb3b7163d4312857c09f475a676c19d9aa3bd7d0b4b",
            digest(KvType::F16));
  EXPECT_EQ("eef56047f439c6a72205af670b8260500aba637364cb095a4c27392e75b3371c",
            digest(KvType::Q8_0));
}

TEST(ModelTest, other_sequences_in_the_batch_change_no_bit) {
  ThreadPool pool(2);
  const std::unique_ptr<Model> model = load(kDemo, pool);
  const uint32_t vocabulary = model->shape().vocabulary;
  std::vector<std::vector<TokenId>> ids;
  std::vector<std::vector<float>> expected;
  for (uint32_t i = 0; i < 5; ++i) {
    ids.push_back(some_tokens(40 + 30 * i, vocabulary, i));
    expected.push_back(run(*model, ids.back(), 64));
  }

  auto cache = KvCache::create(model->kv_layout(KvType::F16), 5 * 256);
  ASSERT_TRUE(cache);
  std::vector<Sequence> sequences;
  for (uint32_t i = 0; i < 5; ++i) sequences.push_back(std::move(*(*cache)->reserve(256)));
  std::vector<std::vector<float>> actual(5);
  for (bool more = true; more;) {
    more = false;
    std::vector<BatchPart> batch;
    std::vector<uint32_t> who;
    for (uint32_t i = 0; i < 5; ++i) {  // each at its own pace: 1, 2, … tokens at a time
      const uint32_t at = sequences[i].length();
      const auto count = std::min<uint32_t>(i * i + 1, static_cast<uint32_t>(ids[i].size()) - at);
      if (count == 0) continue;
      batch.push_back({&sequences[i], {ids[i].data() + at, count}, Want::all});
      who.insert(who.end(), count, i);
      more = true;
    }
    const Result<Logits> logits = model->forward(batch);
    ASSERT_TRUE(logits) << logits.error().message;
    ASSERT_EQ(who.size(), logits->rows);
    for (uint32_t row = 0; row < logits->rows; ++row) {
      std::vector<float>& to = actual[who[row]];
      to.insert(to.end(), logits->row(row).begin(), logits->row(row).end());
    }
  }
  for (uint32_t i = 0; i < 5; ++i) EXPECT_TRUE(same_bits(expected[i], actual[i])) << i;
}

TEST(ModelTest, a_truncated_sequence_goes_on_as_if_the_rest_had_never_been) {
  ThreadPool pool(1);
  const std::unique_ptr<Model> model = load(kDemo, pool);
  const std::vector<TokenId> ids = some_tokens(60, model->shape().vocabulary, 7);
  const std::vector<float> expected = run(*model, ids, 64);
  auto cache = KvCache::create(model->kv_layout(KvType::F16), 128);
  ASSERT_TRUE(cache);
  Sequence sequence = std::move(*(*cache)->reserve(128));
  const std::vector<TokenId> other = some_tokens(40, model->shape().vocabulary, 8);
  const std::span<const TokenId> all(ids);
  ASSERT_TRUE(model->forward({{BatchPart{&sequence, all.first(30), Want::none}}}));
  ASSERT_TRUE(model->forward({{BatchPart{&sequence, other, Want::none}}}));
  sequence.truncate(30);
  const Result<Logits> logits =
      model->forward({{BatchPart{&sequence, all.subspan(30), Want::last}}});
  ASSERT_TRUE(logits);
  EXPECT_EQ(0, std::memcmp(logits->row(0).data(), &expected[59 * logits->vocabulary],
                           logits->vocabulary * sizeof(float)));
}

TEST(ModelTest, what_does_not_fit_is_refused_and_changes_nothing) {
  ThreadPool pool(1);
  const std::unique_ptr<Model> model = load(kDemo, pool);
  auto cache = KvCache::create(model->kv_layout(KvType::F16), 100);
  ASSERT_TRUE(cache);
  EXPECT_EQ(1u, (*cache)->pages());
  Sequence sequence = std::move(*(*cache)->reserve(100));
  EXPECT_EQ(ErrorKind::exhausted, (*cache)->reserve(1).error().kind);
  const std::vector<TokenId> ids = some_tokens(129, model->shape().vocabulary, 9);
  const std::span<const TokenId> all(ids);
  EXPECT_EQ(ErrorKind::exhausted,
            model->forward({{BatchPart{&sequence, all, Want::last}}}).error().kind);
  EXPECT_EQ(ErrorKind::exhausted,
            model->forward({{BatchPart{&sequence, all.first(65), Want::all}}}).error().kind);
  const TokenId beyond = static_cast<TokenId>(model->shape().vocabulary);
  for (const TokenId bad : {beyond, -1}) {
    EXPECT_EQ(ErrorKind::malformed,
              model->forward({{BatchPart{&sequence, {&bad, 1}, Want::last}}}).error().kind);
  }
  EXPECT_EQ(0u, sequence.length());
  EXPECT_EQ(ErrorKind::exhausted,
            KvCache::create(model->kv_layout(KvType::F16), uint64_t{1} << 40).error().kind);
}

TEST(ModelTest, a_page_comes_back_wiped) {
  const KvLayout layout{KvType::F16, 2, 1, 32, 32};
  auto cache = KvCache::create(layout, 128);
  ASSERT_TRUE(cache);
  {
    Sequence sequence = std::move(*(*cache)->reserve(128));
    sequence.advance(5);
    std::memset(sequence.page(0), 0xab, layout.page_bytes());
    sequence.truncate(0);
  }
  const Sequence next = std::move(*(*cache)->reserve(1));
  for (uint64_t i = 0; i < layout.page_bytes(); ++i) ASSERT_EQ(0, next.page(0)[i]) << i;
}

}  // namespace
}  // namespace sotto::model

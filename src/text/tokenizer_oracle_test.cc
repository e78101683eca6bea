// Every vocabulary of the oracle: the same ids as the reference, and quickly.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "text/tokenizer.h"

namespace sotto::text {
namespace {

const std::filesystem::path kOracle = std::filesystem::path(SOTTO_ORACLE_DIR) / "tokenizer";

struct Case {
  std::string text;
  std::vector<TokenId> ids;
  std::vector<TokenId> ids_special;
};

std::vector<Case> read_cases(const std::filesystem::path& path) {
  std::vector<Case> cases;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const boost::json::object object = boost::json::parse(line).as_object();
    cases.push_back({boost::json::value_to<std::string>(object.at("text")),
                     boost::json::value_to<std::vector<TokenId>>(object.at("ids")),
                     boost::json::value_to<std::vector<TokenId>>(object.at("ids_special"))});
  }
  return cases;
}

std::vector<std::filesystem::path> vocabularies() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(kOracle)) {
    if (entry.path().extension() == ".gguf") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

Tokenizer load(const std::filesystem::path& path) {
  Result<gguf::Description> description = gguf::describe(path);
  EXPECT_TRUE(description) << description.error().message;
  Result<Tokenizer> tokenizer = Tokenizer::from_metadata(description->metadata);
  EXPECT_TRUE(tokenizer) << tokenizer.error().message;
  return std::move(*tokenizer);
}

// Of this thread's own work, so that a busy machine changes nothing.
double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

class TokenizerOracle : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kOracle)) {
      GTEST_SKIP() << "NO ORACLE: " << kOracle << " is not there, nothing was compared";
    }
    ASSERT_FALSE(vocabularies().empty()) << kOracle << " holds no vocabularies";
  }
};

TEST_F(TokenizerOracle, EveryCaseHasTheReferencesIds) {
  for (const auto& path : vocabularies()) {
    const std::vector<Case> cases =
        read_cases(std::filesystem::path(path).replace_extension(".jsonl"));
    ASSERT_FALSE(cases.empty()) << "no cases for " << path;
    const Tokenizer tokenizer = load(path);
    size_t passed = 0;
    for (const Case& one : cases) {
      const bool same = tokenizer.encode(one.text, false).value() == one.ids &&
                        tokenizer.encode(one.text, true).value() == one.ids_special;
      EXPECT_TRUE(same) << path.stem() << ": " << boost::json::value(one.text);
      passed += same;
    }
    std::printf("%s: %zu of %zu\n", path.stem().c_str(), passed, cases.size());
  }
}

TEST_F(TokenizerOracle, DecodingGivesTheTextBack) {
  for (const auto& path : vocabularies()) {
    const Tokenizer tokenizer = load(path);
    for (const Case& one : read_cases(std::filesystem::path(path).replace_extension(".jsonl"))) {
      Detokenizer detokenizer(tokenizer);
      std::string text;
      for (const TokenId id : one.ids) text += detokenizer.push(id);
      text += detokenizer.finish();
      EXPECT_EQ(text, one.text) << path.stem();
    }
  }
}

TEST_F(TokenizerOracle, UntrustedTextNeverSpellsAMarker) {
  for (const auto& path : vocabularies()) {
    const Tokenizer tokenizer = load(path);
    std::string all;
    for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocabulary_size()); ++id) {
      if (!tokenizer.is_marker(id)) continue;
      all.append(tokenizer.token_text(id));
      const auto ids = tokenizer.encode(tokenizer.token_text(id), false);
      ASSERT_TRUE(ids) << ids.error().message;
      for (const TokenId given : *ids) ASSERT_FALSE(tokenizer.is_marker(given)) << id;
    }
    const auto ids = tokenizer.encode(all, false);
    ASSERT_TRUE(ids) << ids.error().message;
    for (const TokenId given : *ids) {
      ASSERT_FALSE(tokenizer.is_marker(given)) << path.stem();
    }
  }
}

// The times are printed, not asserted: they say what this machine takes for it.
TEST_F(TokenizerOracle, AMegabyteIsEncoded) {
  std::string unit;
  for (const Case& one : read_cases(kOracle / "ggml-vocab-gpt-2.jsonl")) unit += one.text + " ";
  std::string text;
  while (text.size() < 1'000'000) text += unit;
  for (const auto& path : vocabularies()) {
    const double before_loading = cpu_seconds();
    const Tokenizer tokenizer = load(path);
    const double loading = cpu_seconds() - before_loading;
    const double start = cpu_seconds();
    ASSERT_TRUE(tokenizer.encode(text, true));
    const double taken = cpu_seconds() - start;
    std::printf("%s: loaded in %.3f s, %.2f MB in %.3f s\n", path.stem().c_str(), loading,
                static_cast<double>(text.size()) / 1e6, taken);
  }
}

// If any of these 324 took time quadratic in its length, the test would end by its time limit.
TEST_F(TokenizerOracle, LongRunsOfOneCharacterEnd) {
  for (const auto& path : vocabularies()) {
    const Tokenizer tokenizer = load(path);
    for (const char* unit : {"a", " ", "\n", "\t", "7", "'", "\"", "\xF0\x9F\x98\x80", "中", " \n",
                             "<|", "é", "\xC2\xA0", "\x01", "=", "\xFF", "a1", " x"}) {
      for (const char* tail : {"", "1", "x"}) {
        std::string text;
        while (text.size() < 100'000) text += unit;
        text += tail;
        ASSERT_TRUE(tokenizer.encode(text, true));
      }
    }
  }
}

}  // namespace
}  // namespace sotto::text

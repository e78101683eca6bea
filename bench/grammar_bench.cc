// What it costs to hold an answer to a format: the mask of the tokens that may come next, and taking one.
// SPDX-License-Identifier: Apache-2.0
//
// Uses a small vocabulary of its own, and every tokenizer/*.gguf below SOTTO_ORACLE_DIR where that
// environment variable is set. An answer is walked through at random; `first` is a walk with nothing
// known yet, `warm` the same again.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/machine.h"
#include "gguf/file.h"
#include "text/grammar_matcher.h"
#include "text/json_schema.h"
#include "text/vocabulary_for_testing.h"

namespace {

using namespace sotto;
using Clock = std::chrono::steady_clock;

const std::pair<const char*, const char*> kSchemas[] = {
    {"person",
     R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0,
      "maximum":150},"email":{"type":"string","format":"email"},"tags":{"type":"array","items":
      {"type":"string"}},"home":{"type":"object","properties":{"street":{"type":"string"},"city":
      {"type":"string"}},"required":["street","city"],"additionalProperties":false}},"required":
      ["name","age","email","tags","home"],"additionalProperties":false})"},
    {"tree",
     R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"label":{"type":"string"},
      "children":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["label","children"],
      "additionalProperties":false}}})"},
    {"bounded text", R"({"type":"string","minLength":40,"maxLength":2000})"},
    {"any object", R"({"type":"object"})"},
};

std::shared_ptr<text::GrammarTokens> compile(const char* schema,
                                             std::shared_ptr<const text::TokenTrie> trie) {
  text::JsonGrammar grammar;
  auto root = grammar.add_schema(boost::json::parse(schema));
  CHECK(root.has_value());
  auto compiled = text::Grammar::compile(grammar.finish(std::move(*root)));
  CHECK(compiled.has_value());
  return std::make_shared<text::GrammarTokens>(
      std::make_shared<const text::Grammar>(std::move(*compiled)), std::move(trie));
}

// Microseconds of each token of one answer.
std::vector<double> walk(const std::shared_ptr<text::GrammarTokens>& grammar, uint64_t seed,
                         size_t tokens) {
  text::GrammarMatcher matcher(grammar);
  std::mt19937_64 random(seed);
  const uint32_t vocabulary = grammar->trie().vocabulary();
  std::vector<uint64_t> bits((vocabulary + 63) / 64);
  std::vector<double> times;
  while (times.size() < tokens && !matcher.over()) {
    const auto begin = Clock::now();
    std::fill(bits.begin(), bits.end(), 0);
    CHECK(matcher.mask(bits).has_value());
    const auto masked = Clock::now();
    TokenId id = static_cast<TokenId>(random() % vocabulary);
    while ((bits[static_cast<size_t>(id) / 64] >> (static_cast<size_t>(id) % 64) & 1) == 0) {
      id = static_cast<TokenId>((static_cast<uint32_t>(id) + 1) % vocabulary);
    }
    const auto chosen = Clock::now();
    CHECK(matcher.accept(id).has_value());
    const std::chrono::duration<double, std::micro> took =
        (masked - begin) + (Clock::now() - chosen);
    times.push_back(took.count());
  }
  return times;
}

void report(const char* vocabulary, const text::Tokenizer& tokenizer, size_t tokens) {
  const auto began = Clock::now();
  const auto trie = std::make_shared<const text::TokenTrie>(tokenizer);
  const std::chrono::duration<double, std::milli> built = Clock::now() - began;
  fmt::print("{}: {} tokens, {} trie nodes, built in {:.1f} ms\n", vocabulary, trie->vocabulary(),
             trie->size(), built.count());
  for (const auto& [name, schema] : kSchemas) {
    const auto begin = Clock::now();
    const auto grammar = compile(schema, trie);
    const std::chrono::duration<double, std::micro> compiled = Clock::now() - begin;
    for (const char* pass : {"first", "warm"}) {
      std::vector<double> times;
      for (uint64_t seed = 0; times.size() < tokens; ++seed) {
        const std::vector<double> more = walk(grammar, seed, tokens - times.size());
        times.insert(times.end(), more.begin(), more.end());
      }
      double sum = 0;
      for (const double time : times) sum += time;
      std::sort(times.begin(), times.end());
      fmt::print("  {:14} {:5}  mean {:8.2f} us  median {:6.2f}  p99 {:8.2f}  most {:9.1f}{}\n",
                 name, pass, sum / static_cast<double>(times.size()), times[times.size() / 2],
                 times[times.size() * 99 / 100], times.back(),
                 pass[0] == 'f' ? fmt::format("  (compiled in {:.0f} us)", compiled.count()) : "");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool tiny = std::any_of(
      argv, argv + argc, [](const char* argument) { return std::strcmp(argument, "--tiny") == 0; });
  fmt::print("{}\n", processor_name());
  const size_t tokens = tiny ? 200 : 5000;
  const auto own = text::Tokenizer::from_metadata(text::byte_level_vocabulary().metadata());
  CHECK(own.has_value());
  report("own", *own, tokens);
  const char* folder = std::getenv("SOTTO_ORACLE_DIR");
  if (folder == nullptr || tiny) return 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(folder) / "tokenizer")) {
    if (entry.path().extension() != ".gguf") continue;
    const auto file = gguf::describe(entry.path());
    CHECK(file.has_value());
    const auto tokenizer = text::Tokenizer::from_metadata(file->metadata);
    if (tokenizer) report(entry.path().stem().c_str(), *tokenizer, tokens);
  }
  return 0;
}

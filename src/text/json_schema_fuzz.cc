// Any JSON as a schema; a text that its grammar allows is JSON.
// SPDX-License-Identifier: Apache-2.0
#include "text/json_schema.h"

#include <boost/json/parse.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "text/grammar_matcher.h"
#include "text/vocabulary_for_testing.h"

namespace {

using namespace sotto::text;

std::shared_ptr<const TokenTrie> trie() {
  static const auto made = std::make_shared<const TokenTrie>(
      Tokenizer::from_metadata(byte_level_vocabulary().metadata()).value());
  return made;
}

}  // namespace

// The first byte chooses among what may follow.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  boost::system::error_code error;
  const auto schema = boost::json::parse(
      std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1), error);
  if (error) return 0;
  JsonGrammar json;
  auto root = json.add_schema(schema);
  if (!root) return 0;
  auto grammar = Grammar::compile(json.finish(std::move(*root)));
  if (!grammar) return 0;
  GrammarMatcher matcher(std::make_shared<GrammarTokens>(
      std::make_shared<const Grammar>(std::move(*grammar)), trie()));
  std::vector<uint64_t> bits((trie()->vocabulary() + 63) / 64);
  std::string text;
  uint32_t choice = data[0];
  for (int i = 0; i < 200 && !matcher.over(); ++i) {
    std::fill(bits.begin(), bits.end(), 0);
    if (!matcher.mask(bits)) return 0;
    uint32_t id = choice % 256;
    uint32_t tried = 0;
    for (; tried < 256 && (bits[id / 64] >> (id % 64) & 1) == 0; ++tried) id = (id + 1) % 256;
    CHECK(tried < 256);  // something can always follow
    CHECK(matcher.accept(static_cast<sotto::TokenId>(id)).has_value());
    text += static_cast<char>(id);
    choice = choice * 1664525 + 1013904223;
  }
  if (!matcher.over()) return 0;
  boost::json::parse_options deep;
  deep.max_depth = 1000;
  boost::json::parse(text, error, {}, deep);
  CHECK(!error);
  return 0;
}

// Any bytes as a grammar, and as a text of one.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
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

// What stands behind the first zero byte is a text, whose bytes are tokens 0 to 255.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\0'), input.size());
  auto grammar = Grammar::parse(input.substr(0, end));
  if (!grammar) return 0;
  GrammarMatcher matcher(std::make_shared<GrammarTokens>(
      std::make_shared<const Grammar>(std::move(*grammar)), trie()));
  std::vector<uint64_t> bits((trie()->vocabulary() + 63) / 64);
  for (size_t i = end + 1; i < std::min(size, end + 64); ++i) {
    std::fill(bits.begin(), bits.end(), 0);
    if (!matcher.mask(bits)) return 0;
    const bool allowed = (bits[data[i] / 64] >> (data[i] % 64) & 1) != 0;
    CHECK(matcher.accept(data[i]).has_value() == allowed);
    if (!allowed) return 0;
  }
  return 0;
}

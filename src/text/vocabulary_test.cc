// Vocabularies that a hostile or careless file might hold.
// SPDX-License-Identifier: Apache-2.0
#include "text/vocabulary.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "text/tokenizer.h"
#include "text/vocabulary_for_testing.h"

namespace sotto::text {
namespace {

struct Damage {
  const char* what;
  std::function<void(VocabularyForTesting&)> apply;
  ErrorKind kind;
  const char* mentions;
};

void expect_refused(const VocabularyForTesting& good, const Damage& damage) {
  VocabularyForTesting bad = good;
  damage.apply(bad);
  const Result<Tokenizer> made = Tokenizer::from_metadata(bad.metadata());
  ASSERT_FALSE(made) << damage.what;
  EXPECT_EQ(made.error().kind, damage.kind) << damage.what;
  EXPECT_NE(made.error().message.find(damage.mentions), std::string::npos)
      << damage.what << ": " << made.error().message;
}

using V = VocabularyForTesting;
constexpr ErrorKind kMalformed = ErrorKind::malformed;

const Damage kEither[] = {
    {"another model", [](V& v) { v.model = "bert"; }, ErrorKind::unsupported, "bert"},
    {"no tokens", [](V& v) { v.tokens.clear(); }, kMalformed, "tokenizer.ggml.tokens"},
    {"a token twice", [](V& v) { v.tokens[9] = v.tokens[7]; }, kMalformed, "7 and 9"},
    {"a huge token", [](V& v) { v.tokens[9].assign(5000, 'x'); }, kMalformed, "token 9"},
    {"too few kinds", [](V& v) { v.kinds.pop_back(); }, kMalformed, "token_type"},
    {"too many kinds", [](V& v) { v.kinds.push_back(1); }, kMalformed, "token_type"},
    {"an unknown kind", [](V& v) { v.kinds[5] = 7; }, kMalformed, "token 5 is 7"},
    {"a negative kind", [](V& v) { v.kinds[5] = -1; }, kMalformed, "token 5 is -1"},
    {"a BOS beyond the end",
     [](V& v) { v.more = {{"tokenizer.ggml.bos_token_id", uint32_t{100000}}}; }, kMalformed,
     "bos_token_id is 100000"},
    {"a negative EOS", [](V& v) { v.more = {{"tokenizer.ggml.eos_token_id", int32_t{-1}}}; },
     kMalformed, "eos_token_id is -1"},
    {"an EOT that is a word",
     [](V& v) { v.more = {{"tokenizer.ggml.eot_token_id", std::string("x")}}; }, kMalformed,
     "eot_token_id"},
    {"a flag that is a number",
     [](V& v) { v.more = {{"tokenizer.ggml.add_bos_token", uint32_t{1}}}; }, kMalformed,
     "add_bos_token"},
};

TEST(HostileVocabulary, IsRefusedWithThePlaceNamed) {
  for (const Damage& damage : kEither) {
    expect_refused(byte_level_vocabulary(), damage);
    expect_refused(sentencepiece_vocabulary(), damage);
  }
}

TEST(HostileVocabulary, OfBytePairsIsRefusedWithThePlaceNamed) {
  const Damage damages[] = {
      {"another pre-tokenizer", [](V& v) { v.pre = "x"; }, ErrorKind::unsupported, "'x'"},
      {"half a merge", [](V& v) { v.merges[3] = "half"; }, kMalformed, "entry 3"},
      {"an empty merge", [](V& v) { v.merges[3] = ""; }, kMalformed, "entry 3"},
      {"a merge with nothing on the left", [](V& v) { v.merges[3] = " a"; }, kMalformed, "entry 3"},
      {"a merge with nothing on the right", [](V& v) { v.merges[3] = "a "; }, kMalformed,
       "entry 3"},
  };
  for (const Damage& damage : damages) expect_refused(byte_level_vocabulary(), damage);
}

TEST(HostileVocabulary, OfSentencePieceIsRefusedWithThePlaceNamed) {
  const Damage damages[] = {
      {"too few scores", [](V& v) { v.scores.pop_back(); }, kMalformed, "scores"},
      {"no scores", [](V& v) { v.scores.clear(); }, kMalformed, "scores"},
      {"a score that is no number",
       [](V& v) { v.scores[4] = std::numeric_limits<float>::quiet_NaN(); }, kMalformed, "token 4"},
  };
  for (const Damage& damage : damages) expect_refused(sentencepiece_vocabulary(), damage);
}

TEST(HostileVocabulary, MergesOfAbsentTokensNeverApply) {
  VocabularyForTesting vocabulary = byte_level_vocabulary();
  vocabulary.merges.insert(vocabulary.merges.begin(),
                           {"absent x", "x absent", "x y", "h e l l o", "h e"});
  const Tokenizer tokenizer = Tokenizer::from_metadata(vocabulary.metadata()).value();
  EXPECT_EQ(tokenizer.encode("hello", false).value().size(), 1u);
  EXPECT_EQ(tokenizer.encode("xy", false).value().size(), 2u);
}

TEST(HostileVocabulary, EmptyTokensAreNothing) {
  VocabularyForTesting vocabulary = byte_level_vocabulary();
  const TokenId first = static_cast<TokenId>(vocabulary.tokens.size());
  for (const TokenKind kind : {TokenKind::normal, TokenKind::control, TokenKind::user_defined}) {
    vocabulary.add("", kind);
  }
  const Tokenizer tokenizer = Tokenizer::from_metadata(vocabulary.metadata()).value();
  EXPECT_EQ(tokenizer.encode("ab", true).value().size(), 2u);
  EXPECT_EQ(tokenizer.token_bytes(first), "");
  EXPECT_EQ(tokenizer.find(""), std::nullopt);
}

TEST(Vocabulary, OrdinaryWithoutKinds) {
  VocabularyForTesting vocabulary = byte_level_vocabulary({{"<|x|>", TokenKind::control}});
  vocabulary.kinds.clear();
  const Tokenizer tokenizer = Tokenizer::from_metadata(vocabulary.metadata()).value();
  EXPECT_FALSE(tokenizer.is_special(tokenizer.find("<|x|>").value()));
}

TEST(Vocabulary, UsesTheDefaultPreTokenizerWhereNoneIsNamed) {
  VocabularyForTesting vocabulary = byte_level_vocabulary();
  vocabulary.pre.clear();
  EXPECT_TRUE(Tokenizer::from_metadata(vocabulary.metadata()));
}

}  // namespace
}  // namespace sotto::text

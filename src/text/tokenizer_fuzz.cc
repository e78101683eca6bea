// Fuzzes encoding and decoding with small sound vocabularies, and reading of unsound ones.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/tokenizer.h"
#include "text/utf8.h"
#include "text/vocabulary_for_testing.h"

namespace sotto::text {
namespace {

// Hands out the input piece by piece; past its end everything is zero or empty.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const uint8_t value = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view text() {
    const uint8_t bytes = byte();
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

std::vector<Tokenizer> make_sound_tokenizers() {
  const std::vector<EntryForTesting> entries = {
      {"<|im_start|>", TokenKind::control},
      {"<|im_end|>", TokenKind::control},
      {"<｜Assistant｜>", TokenKind::user_defined},
      {"</think>", TokenKind::user_defined},
      {"  ", TokenKind::user_defined},
      {"☃", TokenKind::user_defined},
      {"hell", TokenKind::control},
  };
  std::vector<Tokenizer> made;
  for (const char* pre : {"gpt-2", "llama-bpe", "qwen2", "deepseek-llm", "deepseek-coder",
                          "deepseek-v3", "bloom", "falcon", "starcoder", "default"}) {
    VocabularyForTesting vocabulary = byte_level_vocabulary();
    for (const EntryForTesting& entry : entries) {
      // "hell" is there already, as what merges make: then it becomes a marker itself.
      const auto same = std::ranges::find(vocabulary.tokens, entry.text);
      if (same == vocabulary.tokens.end()) {
        vocabulary.add(entry.text, entry.kind);
      } else {
        vocabulary.kinds[static_cast<size_t>(same - vocabulary.tokens.begin())] =
            static_cast<int32_t>(entry.kind);
      }
    }
    vocabulary.pre = pre;
    made.push_back(Tokenizer::from_metadata(vocabulary.metadata()).value());
  }
  made.push_back(Tokenizer::from_metadata(
                     sentencepiece_vocabulary({entries.begin(), entries.end() - 1}).metadata())
                     .value());
  return made;
}

std::string stream(const Tokenizer& tokenizer, const std::vector<TokenId>& ids, bool with_special) {
  Detokenizer detokenizer(tokenizer, with_special);
  std::string text;
  for (const TokenId id : ids) {
    const std::string more = detokenizer.push(id);
    CHECK(valid_utf8_prefix(more) == more.size());
    text += more;
  }
  const std::string more = detokenizer.finish();
  CHECK(valid_utf8_prefix(more) == more.size());
  return text + more;
}

std::vector<TokenId> markers_in(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::vector<TokenId> markers;
  std::ranges::copy_if(ids, std::back_inserter(markers),
                       [&](TokenId id) { return tokenizer.is_marker(id); });
  return markers;
}

// Whatever runs the text comes in: it decodes to itself, and its markers are just those that the
// trusted runs would have by themselves.
void fuzz_text(const Tokenizer& tokenizer, Input& input) {
  std::vector<TextRun> runs;
  std::string whole;
  std::vector<std::string> trusted = {""};  // what stands in runs that touch
  while (!input.empty() && runs.size() < 64) {
    const bool is_trusted = input.byte() % 4 == 3;
    runs.push_back({std::string(input.text()), is_trusted});
    whole += runs.back().text;
    if (is_trusted) {
      trusted.back() += runs.back().text;
    } else {
      trusted.emplace_back();
    }
  }
  const auto ids = tokenizer.encode(runs);
  CHECK(ids.has_value());
  std::vector<TokenId> markers;
  for (const std::string& text : trusted) {
    std::ranges::copy(markers_in(tokenizer, tokenizer.encode(text, true).value()),
                      std::back_inserter(markers));
  }
  CHECK(markers_in(tokenizer, *ids) == markers);
  const std::string text = stream(tokenizer, *ids, true);
  // U+2581 is how SentencePiece writes a space, and it puts one after each special token.
  const bool exact =
      !tokenizer.adds_space_prefix() ||
      (whole.find("\xE2\x96\x81") == std::string::npos &&
       std::ranges::none_of(*ids, [&](TokenId id) { return tokenizer.is_special(id); }));
  if (exact) CHECK(text == make_valid_utf8(whole));
}

// Whatever the file says: an error, or a tokenizer that does not crash.
void fuzz_vocabulary(Input& input) {
  VocabularyForTesting vocabulary;
  const uint8_t flags = input.byte();
  vocabulary.model = flags & 1 ? "llama" : "gpt2";
  if (flags & 2) vocabulary = flags & 1 ? sentencepiece_vocabulary() : byte_level_vocabulary();
  vocabulary.pre = flags & 4 ? "llama-bpe" : "default";
  for (int i = input.byte() % 32; i > 0; --i) {
    const TokenKind kind = static_cast<TokenKind>(input.byte() % 8);
    const float score = static_cast<float>(input.byte());
    vocabulary.add(std::string(input.text()), kind, score);
  }
  for (int i = input.byte() % 16; i > 0; --i) vocabulary.merges.emplace_back(input.text());
  if (flags & 8) vocabulary.kinds.clear();
  if (flags & 16) vocabulary.scores.resize(vocabulary.scores.size() / 2);
  for (const char* key : {"bos_token_id", "eos_token_id", "eot_token_id", "unknown_token_id"}) {
    const uint8_t value = input.byte();
    if (value & 1) {
      vocabulary.more.emplace_back(std::string("tokenizer.ggml.") + key, uint32_t{value} >> 1);
    }
  }
  const Result<Tokenizer> tokenizer = Tokenizer::from_metadata(vocabulary.metadata());
  if (!tokenizer) return;
  std::vector<TokenId> every;
  for (uint32_t id = 0; id < tokenizer->vocabulary_size(); ++id) {
    every.push_back(static_cast<TokenId>(id));
  }
  stream(*tokenizer, every, true);
  while (!input.empty()) {
    const bool trusted = input.byte() & 1;
    const auto ids = tokenizer->encode(input.text(), trusted);
    if (!ids) continue;
    for (const TokenId id : *ids) {
      const bool unknown =
          !vocabulary.kinds.empty() &&
          vocabulary.kinds[static_cast<size_t>(id)] == static_cast<int32_t>(TokenKind::unknown);
      CHECK(trusted || unknown || !tokenizer->is_marker(id));
    }
    stream(*tokenizer, *ids, false);
  }
}

}  // namespace
}  // namespace sotto::text

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<sotto::text::Tokenizer> tokenizers =
      sotto::text::make_sound_tokenizers();
  sotto::text::Input input({reinterpret_cast<const char*>(data), size});
  const uint8_t which = input.byte();
  if (which < tokenizers.size() * 16) {
    sotto::text::fuzz_text(tokenizers[which % tokenizers.size()], input);
  } else {
    sotto::text::fuzz_vocabulary(input);
  }
  return 0;
}

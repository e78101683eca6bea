// Small vocabularies for tests, fuzzing and benchmarks, as the metadata of a model file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "gguf/file.h"
#include "text/byte_alphabet.h"
#include "text/vocabulary.h"

namespace sotto::text {

struct EntryForTesting {
  std::string text;
  TokenKind kind = TokenKind::control;
};

// What a vocabulary's metadata is made of; fields may be damaged before metadata() is called.
struct VocabularyForTesting {
  std::string model = "gpt2";
  std::string pre = "gpt-2";
  std::vector<std::string> tokens;
  std::vector<int32_t> kinds;
  std::vector<float> scores;
  std::vector<std::string> merges;
  std::vector<std::pair<std::string, gguf::Value>> more;

  void add(std::string text, TokenKind kind, float score = 0) {
    tokens.push_back(std::move(text));
    kinds.push_back(static_cast<int32_t>(kind));
    scores.push_back(score);
  }

  gguf::Metadata metadata() const {
    gguf::Metadata made;
    const auto put = [&made](std::string key, gguf::Value value) {
      CHECK(made.add(std::move(key), std::move(value)).has_value());
    };
    put("tokenizer.ggml.model", model);
    if (!pre.empty()) put("tokenizer.ggml.pre", pre);
    put("tokenizer.ggml.tokens", gguf::Array{tokens});
    if (!kinds.empty()) put("tokenizer.ggml.token_type", gguf::Array{kinds});
    if (!scores.empty()) put("tokenizer.ggml.scores", gguf::Array{scores});
    if (model == "gpt2") put("tokenizer.ggml.merges", gguf::Array{merges});
    for (const auto& [key, value] : more) put(key, value);
    return made;
  }
};

// All 256 bytes (token 0 is byte 0), then what the merges make, then `entries`.
inline VocabularyForTesting byte_level_vocabulary(
    const std::vector<EntryForTesting>& entries = {}) {
  VocabularyForTesting vocabulary;
  for (int byte = 0; byte < 256; ++byte) {
    std::string letter;
    append_byte_letter(letter, static_cast<uint8_t>(byte));
    vocabulary.add(std::move(letter), TokenKind::normal);
  }
  vocabulary.merges = {"h e",     "l l", "he ll",   "hell o", "Ġ w",   "o r", "Ġw or",
                       "Ġ hello", "l d", "Ġwor ld", "Ġ Ġ",    "ĠĠ ĠĠ", "Ċ Ċ", "a a",
                       "aa aa",   "1 2", "12 3",    "Ã ©",    "< |",   "| >", "i m"};
  for (const std::string& merge : vocabulary.merges) {
    const size_t space = merge.find(' ');
    vocabulary.add(merge.substr(0, space) + merge.substr(space + 1), TokenKind::normal);
  }
  for (const EntryForTesting& entry : entries) vocabulary.add(entry.text, entry.kind);
  return vocabulary;
}

// <unk>, <s>, </s>, all 256 bytes, then pieces of falling score, then `entries`.
inline VocabularyForTesting sentencepiece_vocabulary(
    const std::vector<EntryForTesting>& entries = {}) {
  VocabularyForTesting vocabulary;
  vocabulary.model = "llama";
  vocabulary.pre = "default";
  vocabulary.add("<unk>", TokenKind::unknown);
  vocabulary.add("<s>", TokenKind::control);
  vocabulary.add("</s>", TokenKind::control);
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary.add(fmt::format("<0x{:02X}>", byte), TokenKind::byte);
  }
  float score = 0;
  for (const char* piece :
       {"he",   "ll", "hell", "hello", "▁hello", "▁w", "or", "ld", "▁wor", "▁world", "▁▁",
        "▁▁▁▁", "▁",  "h",    "e",     "l",      "o",  "w",  "r",  "d",    "a",      "s",
        "x",    "<",  ">",    "/",     "é",      "0",  "A",  "<0", "x0",   "<0x0",   "A>"}) {
    vocabulary.add(piece, TokenKind::normal, score);
    score -= 1;
  }
  for (const EntryForTesting& entry : entries) vocabulary.add(entry.text, entry.kind);
  return vocabulary;
}

}  // namespace sotto::text

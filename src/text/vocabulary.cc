// Reads a vocabulary from the tokenizer.ggml.* keys and decides which entries are markers.
// SPDX-License-Identifier: Apache-2.0
#include "text/vocabulary.h"

#include <algorithm>
#include <array>

#include "text/utf8.h"

namespace sotto::text {
namespace {

// Entries that end an answer in one model family or another, whether or not a file says so.
constexpr std::array<std::string_view, 17> kEndTexts = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "<|EOT|>",
    "[EOT]",
    "[EOS]",
    "<eos>",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<｜end▁of▁sentence｜>",
};

// Entries that fill-in-the-middle and repository prompts use. The reference treats these and those
// above as control tokens even where a file calls them ordinary words.
constexpr std::array<std::string_view, 22> kControlTexts = {
    "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>",  "<|fim_repo|>",
    "<fim_prefix>",   "<fim_suffix>",   "<fim_middle>",   "<fim_pad>",    "<fim-prefix>",
    "<fim-suffix>",   "<fim-middle>",   "<fim-pad>",      "<fim-repo>",   "<｜fim▁begin｜>",
    "<｜fim▁hole｜>", "<｜fim▁end｜>",  "<|repo_name|>",  "<|file_sep|>", "<PRE>",
    "<SUF>",          "<MID>",
};

bool is_white_space(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

// Added entries that are mere text: a run of white space, or a single character. No marker is
// written like that, so they are recognised whoever wrote them; every other added entry is taken
// for a marker.
bool is_mere_text(std::string_view text) {
  if (std::ranges::all_of(text, is_white_space)) return true;
  const Utf8Sequence first = next_utf8(text);
  return first.state == Utf8Sequence::State::valid && first.bytes == text.size();
}

Result<std::vector<TokenKind>> read_kinds(const gguf::Metadata& metadata, size_t tokens) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  std::vector<TokenKind> kinds(tokens, TokenKind::normal);
  if (metadata.find(kKey) == nullptr) return kinds;
  const std::vector<int64_t> numbers = TRY(metadata.integers(kKey));
  if (numbers.size() != tokens) {
    return fail(ErrorKind::malformed, "{} has {} entries for {} tokens", kKey, numbers.size(),
                tokens);
  }
  for (size_t i = 0; i < tokens; ++i) {
    if (numbers[i] < 0 || numbers[i] > 6) {
      return fail(ErrorKind::malformed, "{} of token {} is {}, not 0 to 6", kKey, i, numbers[i]);
    }
    if (numbers[i] != 0) kinds[i] = static_cast<TokenKind>(numbers[i]);  // 0: left undefined
  }
  return kinds;
}

}  // namespace

Result<Vocabulary> Vocabulary::from_metadata(const gguf::Metadata& metadata) {
  Vocabulary vocabulary;
  TRY(vocabulary.read_entries(metadata));
  TRY(vocabulary.read_roles(metadata));
  return vocabulary;
}

Result<void> Vocabulary::read_entries(const gguf::Metadata& metadata) {
  constexpr std::string_view kKey = "tokenizer.ggml.tokens";
  const std::vector<std::string>& tokens = *TRY(metadata.strings(kKey));
  if (tokens.empty() || tokens.size() > kVocabularyTokensMax) {
    return fail(ErrorKind::malformed, "{} has {} entries, not 1 to {}", kKey, tokens.size(),
                kVocabularyTokensMax);
  }
  const std::vector<TokenKind> kinds = TRY(read_kinds(metadata, tokens.size()));
  uint64_t bytes = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].size() > kTokenBytesMax) {
      return fail(ErrorKind::malformed, "{}: token {} is {} bytes long, at most {}", kKey, i,
                  tokens[i].size(), kTokenBytesMax);
    }
    bytes += tokens[i].size();
  }
  if (bytes > UINT32_MAX) {
    return fail(ErrorKind::malformed, "{}: {} bytes of text, at most 4 GiB", kKey, bytes);
  }
  texts_.reserve(bytes);
  entries_.reserve(tokens.size());
  by_text_.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const TokenId id = static_cast<TokenId>(i);
    const TokenKind kind = kinds[i];
    const bool marker = kind == TokenKind::control || kind == TokenKind::unknown ||
                        (kind == TokenKind::user_defined && !is_mere_text(tokens[i]));
    entries_.push_back({static_cast<uint32_t>(texts_.size()),
                        static_cast<uint16_t>(tokens[i].size()), kind, marker, false});
    texts_.insert(texts_.end(), tokens[i].begin(), tokens[i].end());
    if (tokens[i].empty()) continue;
    const auto [place, added] = by_text_.emplace(text(id), id);
    if (!added) {
      return fail(ErrorKind::malformed, "{}: tokens {} and {} are the same", kKey, place->second,
                  id);
    }
  }
  return {};
}

Result<std::optional<TokenId>> Vocabulary::read_role(const gguf::Metadata& metadata,
                                                     std::string_view key) const {
  if (metadata.find(key) == nullptr) return std::nullopt;
  const int64_t number = TRY(metadata.get<int64_t>(key));
  if (number < 0 || number >= size()) {
    return fail(ErrorKind::malformed, "{} is {}, but there are {} tokens", key, number, size());
  }
  return static_cast<TokenId>(number);
}

Result<void> Vocabulary::read_roles(const gguf::Metadata& metadata) {
  bos_ = TRY(read_role(metadata, "tokenizer.ggml.bos_token_id"));
  eos_ = TRY(read_role(metadata, "tokenizer.ggml.eos_token_id"));
  unknown_ = TRY(read_role(metadata, "tokenizer.ggml.unknown_token_id"));
  if (TRY(metadata.get_or<std::string>("tokenizer.ggml.model", std::string())) == "llama") {
    // Where these files leave the roles out, they mean SentencePiece's own numbers.
    if (!unknown_) unknown_ = 0;
    if (!bos_ && size() > 1 && kind(1) == TokenKind::control) bos_ = 1;
    if (!eos_ && size() > 2 && kind(2) == TokenKind::control) eos_ = 2;
  }
  // Text becomes this token where nothing spells it, so it must be good for nothing else.
  if (unknown_ && kind(*unknown_) != TokenKind::unknown) unknown_.reset();
  const std::optional<TokenId> ends[] = {eos_,
                                         TRY(read_role(metadata, "tokenizer.ggml.eot_token_id")),
                                         TRY(read_role(metadata, "tokenizer.ggml.eom_token_id"))};
  // Whatever a file calls these tokens: whoever could spell one could begin or end a turn.
  const auto mark = [this](TokenId id) {
    Entry& entry = entries_[static_cast<size_t>(id)];
    entry.marker = entry.marker || !is_mere_text(text(id));
  };
  if (bos_) mark(*bos_);
  for (const std::optional<TokenId> id : ends) {
    if (!id) continue;
    mark(*id);
    entries_[static_cast<size_t>(*id)].ends = true;
  }
  for (const std::string_view text : kEndTexts) {
    const std::optional<TokenId> id = find(text);
    if (!id) continue;
    Entry& entry = entries_[static_cast<size_t>(*id)];
    entry.marker = true;
    // Where a file calls "</s>" an ordinary word, as Qwen2's does, it is a word of HTML.
    if (entry.kind == TokenKind::control || entry.kind == TokenKind::user_defined) {
      entry.ends = true;
    }
  }
  for (const std::string_view text : kControlTexts) {
    if (const std::optional<TokenId> id = find(text)) {
      entries_[static_cast<size_t>(*id)].marker = true;
    }
  }
  return {};
}

std::string_view Vocabulary::text(TokenId id) const {
  const Entry& entry = entries_[static_cast<size_t>(id)];
  return {texts_.data() + entry.offset, entry.bytes};
}

std::optional<TokenId> Vocabulary::find(std::string_view text) const {
  const auto place = by_text_.find(text);
  if (place == by_text_.end()) return std::nullopt;
  return place->second;
}

}  // namespace sotto::text

// The tokenizer: markers first, in trusted text only, and what lies between to the encoder.
// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <utility>
#include <variant>

#include "text/bpe.h"
#include "text/byte_alphabet.h"
#include "text/sentencepiece.h"
#include "text/special_tokens.h"
#include "text/vocabulary.h"

namespace sotto::text {
namespace {

using Encoder = std::variant<BytePairEncoder, SentencePieceEncoder>;

Result<Encoder> make_encoder(const gguf::Metadata& metadata, const Vocabulary& vocabulary) {
  const std::string model = TRY(metadata.get<std::string>("tokenizer.ggml.model"));
  if (model == "gpt2") return TRY(BytePairEncoder::from_metadata(metadata, vocabulary));
  if (model == "llama") return TRY(SentencePieceEncoder::from_metadata(metadata, vocabulary));
  return fail(ErrorKind::unsupported, "tokenizer.ggml.model is '{}', not 'gpt2' or 'llama'",
              model.substr(0, 64));
}

// The tokens that are recognised as they stand: markers, or else the user-defined rest.
SpecialTokens collect(const Vocabulary& vocabulary, bool markers) {
  std::vector<SpecialTokens::Entry> entries;
  for (TokenId id = 0; vocabulary.contains(id); ++id) {
    const bool wanted =
        markers ? vocabulary.is_marker(id)
                : vocabulary.kind(id) == TokenKind::user_defined && !vocabulary.is_marker(id);
    if (wanted && !vocabulary.text(id).empty()) entries.push_back({vocabulary.text(id), id});
  }
  return SpecialTokens(std::move(entries));
}

// "<0x0A>" → the byte 10; nothing when the entry does not look like that.
std::optional<char> parse_byte_entry(std::string_view entry) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (entry.size() != 6 || !entry.starts_with("<0x") || entry[5] != '>') return std::nullopt;
  if (digit(entry[3]) < 0 || digit(entry[4]) < 0) return std::nullopt;
  return static_cast<char>(digit(entry[3]) * 16 + digit(entry[4]));
}

std::string with_plain_spaces(std::string_view entry) {
  std::string out;
  for (size_t at = 0; at < entry.size();) {
    const size_t space = std::min(entry.find(kVisibleSpace, at), entry.size());
    out.append(entry.substr(at, space - at));
    if (space < entry.size()) out.push_back(' ');
    at = space + kVisibleSpace.size();
  }
  return out;
}

}  // namespace

struct Tokenizer::Data {
  Vocabulary vocabulary;
  Encoder encoder;
  SpecialTokens markers;
  SpecialTokens mere_text;
  bool adds_bos;

  // Text in which no marker is to be recognised.
  Result<void> encode_between(std::string_view text, std::vector<TokenId>& out) const;
};

Tokenizer::Tokenizer(std::unique_ptr<const Data> data) : data_(std::move(data)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::from_metadata(const gguf::Metadata& metadata) {
  Vocabulary vocabulary = TRY(Vocabulary::from_metadata(metadata));
  Encoder encoder = TRY(make_encoder(metadata, vocabulary));
  const auto* pairs = std::get_if<BytePairEncoder>(&encoder);
  const bool adds_bos =
      TRY(metadata.get_or("tokenizer.ggml.add_bos_token", pairs == nullptr || pairs->adds_bos()));
  SpecialTokens markers = collect(vocabulary, true);
  SpecialTokens mere_text = collect(vocabulary, false);
  const bool can_add_bos = adds_bos && vocabulary.bos().has_value();
  return Tokenizer(
      std::make_unique<const Data>(Data{std::move(vocabulary), std::move(encoder),
                                        std::move(markers), std::move(mere_text), can_add_bos}));
}

Result<void> Tokenizer::Data::encode_between(std::string_view text,
                                             std::vector<TokenId>& out) const {
  std::vector<TokenMatch> matches;
  mere_text.find(text, 0, text.size(), matches);
  const auto encode_ordinary = [&](size_t begin, size_t end) -> Result<void> {
    if (begin == end) return {};
    const std::string_view ordinary = text.substr(begin, end - begin);
    return std::visit([&](const auto& one) { return one.encode(vocabulary, ordinary, out); },
                      encoder);
  };
  size_t at = 0;
  for (const TokenMatch& match : matches) {
    TRY(encode_ordinary(at, match.begin));
    out.push_back(match.id);
    at = match.end;
  }
  return encode_ordinary(at, text.size());
}

Result<std::vector<TokenId>> Tokenizer::encode(std::span<const TextRun> runs) const {
  uint64_t bytes = 0;
  for (const TextRun& run : runs) bytes += run.text.size();
  if (bytes > kTextBytesMax) {
    return fail(ErrorKind::exhausted, "{} bytes of text to encode, at most {}", bytes,
                kTextBytesMax);
  }
  std::string text;
  text.reserve(bytes);
  std::vector<TokenMatch> markers;
  for (size_t i = 0; i < runs.size(); ++i) {
    const size_t begin = text.size();
    text.append(runs[i].text);
    if (!runs[i].trusted) continue;
    for (; i + 1 < runs.size() && runs[i + 1].trusted; ++i) text.append(runs[i + 1].text);
    data_->markers.find(text, begin, text.size(), markers);
  }
  std::vector<TokenId> ids;
  size_t at = 0;
  for (const TokenMatch& marker : markers) {
    TRY(data_->encode_between(std::string_view(text).substr(at, marker.begin - at), ids));
    ids.push_back(marker.id);
    at = marker.end;
  }
  TRY(data_->encode_between(std::string_view(text).substr(at), ids));
  return ids;
}

Result<std::vector<TokenId>> Tokenizer::encode(std::string_view text, bool parse_special) const {
  if (text.size() > kTextBytesMax) {
    return fail(ErrorKind::exhausted, "{} bytes of text to encode, at most {}", text.size(),
                kTextBytesMax);
  }
  const TextRun run{std::string(text), parse_special};
  return encode(std::span(&run, 1));
}

uint32_t Tokenizer::vocabulary_size() const {
  return data_->vocabulary.size();
}
std::optional<TokenId> Tokenizer::bos() const {
  return data_->vocabulary.bos();
}
std::optional<TokenId> Tokenizer::eos() const {
  return data_->vocabulary.eos();
}
bool Tokenizer::adds_bos() const {
  return data_->adds_bos;
}

bool Tokenizer::ends_generation(TokenId id) const {
  return data_->vocabulary.contains(id) && data_->vocabulary.ends_generation(id);
}

bool Tokenizer::is_special(TokenId id) const {
  if (!data_->vocabulary.contains(id)) return false;
  const TokenKind kind = data_->vocabulary.kind(id);
  return kind == TokenKind::control || kind == TokenKind::unknown ||
         kind == TokenKind::user_defined;
}

bool Tokenizer::is_marker(TokenId id) const {
  return data_->vocabulary.contains(id) && data_->vocabulary.is_marker(id);
}

std::optional<TokenId> Tokenizer::find(std::string_view token_text) const {
  return data_->vocabulary.find(token_text);
}

std::string_view Tokenizer::token_text(TokenId id) const {
  return data_->vocabulary.contains(id) ? data_->vocabulary.text(id) : std::string_view();
}

bool Tokenizer::adds_space_prefix() const {
  const auto* pieces = std::get_if<SentencePieceEncoder>(&data_->encoder);
  return pieces != nullptr && pieces->adds_space_prefix();
}

std::string Tokenizer::token_bytes(TokenId id, bool with_special) const {
  const Vocabulary& vocabulary = data_->vocabulary;
  if (!vocabulary.contains(id)) return {};
  const std::string_view entry = vocabulary.text(id);
  switch (vocabulary.kind(id)) {
    case TokenKind::control:
    case TokenKind::unknown:
      return with_special ? std::string(entry) : std::string();
    case TokenKind::user_defined:
      return std::string(entry);
    case TokenKind::byte:
      if (const auto byte = parse_byte_entry(entry)) return std::string(1, *byte);
      return std::string(entry);
    case TokenKind::normal:
    case TokenKind::unused:
      break;
  }
  const bool byte_level = std::holds_alternative<BytePairEncoder>(data_->encoder);
  return byte_level ? spell_bytes(entry) : with_plain_spaces(entry);
}

}  // namespace sotto::text

// Text to token ids and back, from the vocabulary that a GGUF file carries.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/token.h"
#include "gguf/file.h"

namespace sotto::text {

inline constexpr uint64_t kTextBytesMax = 1u << 30;  // of one call to encode()

// A run of text and whether markers may be recognised in it. The template's own words are trusted;
// what a user, a tool or a document says never is, so nobody can forge a turn marker.
struct TextRun {
  std::string text;
  bool trusted = false;
  bool operator==(const TextRun&) const = default;
};

// Immutable after construction; every method may be called from any thread.
class Tokenizer {
 public:
  // `unsupported` names the tokenizer model or pre-tokenizer that is not known; `malformed` what is
  // wrong in the vocabulary.
  static Result<Tokenizer> from_metadata(const gguf::Metadata& metadata);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  uint32_t vocabulary_size() const;

  // The ids of the runs taken together: a marker is recognised only where all of its text lies in
  // trusted runs that touch, with nothing between them; everything between markers is encoded as
  // one text, whoever said it. Adds no BOS or EOS. Invalid UTF-8 is encoded by its bytes where the
  // vocabulary has them, else as U+FFFD. `unsupported` when the vocabulary cannot spell the text,
  // `exhausted` for more than kTextBytesMax.
  Result<std::vector<TokenId>> encode(std::span<const TextRun> runs) const;
  // One run, trusted if `parse_special`.
  Result<std::vector<TokenId>> encode(std::string_view text, bool parse_special) const;

  // Special tokens by role, where the vocabulary names them.
  std::optional<TokenId> bos() const;
  std::optional<TokenId> eos() const;
  bool adds_bos() const;  // whether a prompt that is not from a chat template should begin with BOS
  // Whether this token ends an answer (EOS, end of turn, end of text, …).
  bool ends_generation(TokenId id) const;
  bool is_special(TokenId id) const;  // control, unknown or user-defined
  // Whether encode() gives this id only for trusted text that spells it out, never for text that
  // is merged or matched otherwise: control and unknown tokens, those that the metadata gives a
  // role (BOS, EOS, …), those that are known to end turns in some model family, and user-defined
  // tokens, since files call markers like <｜Assistant｜> and </think> that too. Only user-defined
  // tokens of mere text (white space, or a single character) are recognised whoever wrote them.
  // The one exception: <unk> stands for a character that a SentencePiece vocabulary cannot spell.
  bool is_marker(TokenId id) const;
  std::optional<TokenId> find(std::string_view token_text) const;
  // The entry as it stands in the vocabulary ("Ġhello", "▁hello", "<0x0A>"); empty when out of
  // range.
  std::string_view token_text(TokenId id) const;

  // Whether encode() puts a space in front of text (SentencePiece); a Detokenizer takes it away.
  bool adds_space_prefix() const;

  // The bytes that this token adds to an answer; empty for control tokens unless `with_special`.
  // They may be a part of a UTF-8 sequence. Out-of-range ids give nothing.
  std::string token_bytes(TokenId id, bool with_special = false) const;

  struct Data;

 private:
  explicit Tokenizer(std::unique_ptr<const Data> data);
  std::unique_ptr<const Data> data_;
};

// Turns a stream of tokens into text that is valid UTF-8 after every call: an incomplete sequence
// is held back, an invalid one becomes U+FFFD. One stream, one thread. Borrows the tokenizer.
class Detokenizer {
 public:
  explicit Detokenizer(const Tokenizer& tokenizer, bool with_special = false)
      : tokenizer_(&tokenizer), with_special_(with_special) {}

  // The text that is certain after this token; may be empty.
  std::string push(TokenId id);
  // What was held back, made valid; the stream is over.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool with_special_;
  bool first_ = true;  // SentencePiece's leading space belongs to the encoding, not to the text
  std::string held_;
};

}  // namespace sotto::text

// Cuts text into the pieces that byte pairs are merged within: each model's own way of seeing
// words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sotto::text {

// Immutable; may be used from any thread.
class PreTokenizer {
 public:
  // `name` as in tokenizer.ggml.pre; `unsupported` when it is not known.
  static Result<PreTokenizer> create(std::string_view name);
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  // Whether a piece that is an entry of the vocabulary is that token, whatever merging would give.
  bool whole_pieces_first() const;
  // Whether prompts begin with BOS where the file does not say.
  bool adds_bos() const;

  // Replaces `ends` with where each piece ends; the pieces cover the text and none is empty. Bytes
  // that are not valid UTF-8 stand apart from the text around them. `text` is under 4 GiB.
  Result<void> split(std::string_view text, std::vector<uint32_t>& ends) const;

 private:
  struct Compiled;
  explicit PreTokenizer(std::unique_ptr<const Compiled> compiled);
  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace sotto::text

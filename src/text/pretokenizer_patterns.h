// The regular expressions of each pre-tokenizer, by the names that model files give them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sotto::text {

// The patterns are applied in turn, each inside every piece that those before it left; what a
// pattern matches is a piece, and so is what lies between its matches.
struct PreTokenizerFamily {
  std::span<const std::string_view> patterns;
  bool whole_pieces_first = false;
  bool adds_bos = false;
};

// nullptr when the name is not known.
const PreTokenizerFamily* find_pre_tokenizer_family(std::string_view name);

// A pattern as models publish it, with \s, \S and \p{…} spelled out so that they mean the same in
// every version of PCRE2.
std::string with_explicit_classes(std::string_view pattern);

}  // namespace sotto::text

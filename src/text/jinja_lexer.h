// Cuts a template's source into tokens, with Jinja2's rules for the white space around tags.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sotto::text::jinja {

struct Token {
  enum class Kind {
    text,         // what stands outside of tags
    tag_begin,    // {%
    tag_end,      // %}
    print_begin,  // {{
    print_end,    // }}
    name,
    string,  // unescaped
    integer,
    real,
    symbol,  // operators and brackets
    end,
  };
  Kind kind;
  uint32_t line;
  std::string text;
};

inline constexpr size_t kNameBytesMax = 255;

// Tokens up to and with `end`. `source` must be valid UTF-8. The settings are Hugging Face's:
// trim_blocks and lstrip_blocks on, one newline at the very end dropped.
Result<std::vector<Token>> tokenize(std::string_view source);

}  // namespace sotto::text::jinja

// The body of POST /v1/completions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "api/generation.h"
#include "api/output_format.h"

namespace sotto::api {

inline constexpr size_t kPromptsMax = 8;
inline constexpr size_t kPromptTokensMax = 1 << 20;

using PromptInput = std::variant<std::string, std::vector<TokenId>>;

struct CompletionRequest {
  Generation generation;  // `choices` of each prompt
  std::vector<PromptInput> prompts;
  OutputFormat format;
  bool echo = false;  // the prompt's text before each answer
};

ApiResult<CompletionRequest> read_completion_request(const boost::json::object& body);

// A text, token ids, or an array of either, as OpenAI's `prompt` and `input` are.
ApiResult<std::vector<PromptInput>> read_prompts(Fields& fields, std::string_view field,
                                                 size_t count_max);

}  // namespace sotto::api

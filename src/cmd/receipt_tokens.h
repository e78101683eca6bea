// The token counts that a receipt states, counted again by whoever has the model's file: "vouched metering".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "channel/receipt.h"
#include "crypto/sha256.h"

namespace sotto::cmd {

struct CountedTokens {
  crypto::Sha256Digest model_root{};  // of the file that was counted with
  uint64_t prompt_tokens = 0;
  // Of the answer's words alone, as the tokenizer spells them. What the model wrote may be more: other spellings,
  // marks of calls and of thinking. `sotto replay` counts those, too.
  uint64_t text_tokens = 0;
};

// Reads the whole model for its root, but runs nothing. `unsupported` for an error's receipt.
Result<CountedTokens> count_tokens(const std::string& model, const channel::Receipt& receipt,
                                   std::string_view request, std::string_view response);

}  // namespace sotto::cmd

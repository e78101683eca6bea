// A conversation on the terminal.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "cmd/assistant.h"

namespace sotto::cmd {

struct ChatOptions {
  AnswerSettings answer;  // each turn's seed is one above the last one's
  std::string system;     // empty: none
  bool show_reasoning = true;
};

// Standard input and output are terminals. Returns the exit code when the person leaves; an answer
// that fails is reported and the conversation goes on.
Result<int> chat(Assistant& assistant, const ChatOptions& options);

// "first token after 0.05 s (14 prompt tokens, 280.0/s); 57 tokens, 47.1/s; seed 123"
std::string describe_reply(const Reply& reply, uint64_t seed);

}  // namespace sotto::cmd

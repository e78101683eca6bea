// A conversation with a verified node: on a terminal, or one question and its answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "client/session.h"

namespace sotto::cmd {

struct NodeChatOptions {
  std::string model;  // empty: the node's default
  std::string system;
  std::string key;  // the node's API key
  uint32_t tokens_max = 0;
  bool show_reasoning = true;
};

// The session has been verified. Returns the exit code when the person leaves.
Result<int> chat_with_node(client::Session& session, const NodeChatOptions& options);
// One answer, to standard output.
Result<int> ask_node(client::Session& session, const NodeChatOptions& options,
                     const std::string& question);

}  // namespace sotto::cmd

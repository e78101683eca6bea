// Options of commands that talk to a node: which one, and what is accepted of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "attest/appraise/policy.h"
#include "base/result.h"
#include "client/session.h"

namespace sotto::cmd {

struct NodeOptions {
  std::string url;
  std::string policy;
  std::string unix_socket;
  bool allow_simulated = false;
  bool direct = false;
};

// URL, --policy, --allow-simulated, --unix-socket, --direct.
void add_node_options(CLI::App& app, NodeOptions& options);
// A policy from its file, or the default one; with the simulated TEE if that is allowed.
Result<attest::Policy> read_policy(const std::string& path, bool allow_simulated);
Result<client::SessionOptions> session_options(const NodeOptions& options);

// In a line what was proven about the node, on standard error, and in red what was not.
void print_verified(const client::Session& session);

}  // namespace sotto::cmd

// Which TEE a node runs in, as the command line says it, and the node that it makes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "attest/node/node.h"
#include "base/result.h"

namespace sotto::cmd {

// --tee auto|simulated, and none where `may_be_none`.
void add_tee_option(CLI::App& app, std::string& tee, bool may_be_none);

// Fills in what the statement says of the program. nullptr for "none"; `unavailable` names the
// alternatives where there is no TEE. With `azure_document` an Azure machine's evidence has the instance's
// attested document beside it.
Result<std::unique_ptr<attest::Node>> make_node(const std::string& tee, attest::Statement statement,
                                                std::vector<uint8_t> tls_spki = {},
                                                bool azure_document = false);

// What people must know of it, on standard error; in red that a simulated one protects nothing.
void print_node(const attest::Node* node);

}  // namespace sotto::cmd

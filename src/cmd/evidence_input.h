// Evidence that a command is given: a node's URL, a bundle, or pieces with their collateral.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "attest/bundle/appraise_bundle.h"
#include "attest/claims.h"
#include "cmd/fetch_options.h"

namespace sotto::cmd {

struct EvidenceInput {
  std::string file;
  std::string kind;  // empty: a bundle, or a node's URL
  std::string at;
  std::string collateral;
  std::string root;
  std::string nonce;
  bool offline = false;
  FetchOptions fetch;
};

// --kind, --collateral, --at, --nonce, --root, --offline and those of fetch_options.h.
void add_evidence_options(CLI::App& app, EvidenceInput& input);

// "2025-06-19T10:16:03Z", "2025-06-19", seconds since 1970, or now for nothing.
Result<int64_t> time_of(const std::string& text);

// Each piece in the file: one, but for lists of devices. Collateral that is missing is fetched.
Result<std::vector<attest::Verified<attest::Claims>>> verify_input(const EvidenceInput& input,
                                                                   attest::EvidenceKind kind,
                                                                   int64_t time);

// A bundle at this path, or of the node at this URL, with a nonce of our own unless one was given.
Result<attest::BundleAppraisal> appraise_bundle_of(const EvidenceInput& input,
                                                   const std::string& path,
                                                   const attest::Policy& policy);

}  // namespace sotto::cmd

// Reading policies, saying verdicts.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/node_options.h"

#include <fmt/color.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/text_encoding.h"
#include "cmd/evidence_files.h"
#include "cmd/terminal.h"

namespace sotto::cmd {
namespace {

void print_in(fmt::color colour, const std::string& text) {
  if (colours_wanted(stderr)) {
    fmt::print(stderr, fmt::fg(colour), "{}\n", text);
  } else {
    fmt::print(stderr, "{}\n", text);
  }
}

}  // namespace

void add_node_options(CLI::App& app, NodeOptions& options) {
  app.add_option("URL", options.url, "the node, such as https://node.example")->required();
  app.add_option("--policy", options.policy, "what is accepted, in TOML, instead of the default");
  app.add_flag("--allow-simulated", options.allow_simulated,
               "let a simulated TEE pass, which protects nothing, for this one call");
  app.add_flag("--direct", options.direct,
               "TLS to the node's attested key instead of sealing; nothing in between may end TLS");
  app.add_option("--unix-socket", options.unix_socket, "reach the node by this socket");
}

Result<attest::Policy> read_policy(const std::string& path, bool allow_simulated) {
  attest::Policy policy = attest::default_policy();
  if (!path.empty()) {
    const std::vector<uint8_t> bytes = TRY(read_evidence_file(path, attest::kPolicyBytesMax));
    Result<attest::Policy> read = attest::parse_policy(as_text(bytes));
    if (!read) return within(path, read.error());
    policy = std::move(*read);
    if (policy.name.empty()) policy.name = path;
  }
  if (allow_simulated) policy.platforms["simulated"].allow_simulated = true;
  return policy;
}

Result<client::SessionOptions> session_options(const NodeOptions& options) {
  TRY(fetch::parse_url(options.url));
  client::SessionOptions session;
  session.url = options.url;
  session.unix_socket = options.unix_socket;
  session.direct = options.direct;
  session.policy = TRY(read_policy(options.policy, options.allow_simulated));
  return session;
}

void print_verified(const client::Session& session) {
  const auto appraisal = session.appraisal();
  if (!appraisal || !appraisal->verified || !appraisal->statement) return;
  const attest::Claims& claims = *appraisal->evidence.front().claims;
  std::string models;
  for (const attest::StatedModel& model : appraisal->statement->models) {
    models += fmt::format("{}{} {}…", models.empty() ? "" : ", ", printable(model.name),
                          hex_of(model.model_root).substr(0, 16));
  }
  print_in(fmt::color::green,
           fmt::format("verified: {}, statement {}…, {}", claims.platform,
                       hex_of(appraisal->statement_sha256).substr(0, 16), models));
  if (claims.platform == "simulated") {
    print_in(fmt::color::red, "this TEE is simulated: it protects nothing");
  } else if (!appraisal->program_pinned) {
    print_in(fmt::color::gold,
             "the policy pins no measurement: which program answers is its own word");
  }
}

}  // namespace sotto::cmd

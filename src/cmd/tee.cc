// Choosing an attester and filling in the statement.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/tee.h"

#include <fmt/color.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>

#include "base/text_encoding.h"
#include "cmd/fetch_options.h"
#include "cmd/terminal.h"

namespace sotto::cmd {

void add_tee_option(CLI::App& app, std::string& tee, bool may_be_none) {
  std::vector<std::string> choices = {"auto", "simulated"};
  if (may_be_none) choices.emplace_back("none");
  app.add_option("--tee", tee,
                 may_be_none
                     ? "auto: this machine's TEE, and no start without one; simulated: "
                       "evidence that protects nothing; none: no evidence"
                     : "auto: this machine's TEE; simulated: evidence that protects nothing")
      ->check(CLI::IsMember(choices))
      ->capture_default_str();
}

Result<std::unique_ptr<attest::Node>> make_node(const std::string& tee, attest::Statement statement,
                                                std::vector<uint8_t> tls_spki,
                                                bool azure_document) {
  if (tee == "none") return nullptr;
  statement.program_version = SOTTO_VERSION;
  statement.program_sha256 = TRY(attest::program_digest());
  const int64_t now = std::time(nullptr);
  std::unique_ptr<attest::Attester> attester;
  if (tee == "simulated") {
    attester = attest::make_simulated_attester(statement.program_sha256, now);
  } else {
    // What the vendors' services have is stapled, so that a client needs nobody else. Where they cannot be
    // reached the evidence goes without, and clients that are not content say what is missing.
    const std::shared_ptr<attest::collateral::CollateralFetcher> fetcher =
        make_fetcher({.own_machine = true, .azure_document = azure_document});
    const auto source = [fetcher](attest::EvidenceKind kind, Bytes evidence,
                                  const attest::Collateral& have) -> Result<attest::Collateral> {
      attest::Collateral collateral = have;
      add_fetched(*fetcher, kind, evidence, collateral);
      return collateral;
    };
    Result<std::unique_ptr<attest::Attester>> system =
        attest::make_system_attester({}, attest::collect::system_access(), source);
    if (!system) {
      return fail(
          ErrorKind::unavailable,
          "no TEE: {}. `--tee simulated` makes evidence that protects nothing, to try with; "
          "`--tee none` goes without",
          system.error().message);
    }
    attester = std::move(*system);
  }
  return attest::Node::create(std::move(attester), std::move(statement), std::move(tls_spki), now);
}

void print_node(const attest::Node* node) {
  if (node == nullptr) {
    fmt::print(stderr, "without a TEE: nobody can verify this server\n");
    return;
  }
  const std::string platform = node->statement().platform;
  fmt::print(stderr, "TEE {}, statement {}\n", platform, hex_of(node->statement_sha256()));
  if (platform == "simulated") {
    const std::string text = "this TEE is simulated: it protects nothing";
    if (colours_wanted(stderr)) {
      fmt::print(stderr, fmt::fg(fmt::color::red), "{}\n", text);
    } else {
      fmt::print(stderr, "{}\n", text);
    }
    return;
  }
  const attest::BundleAppraisal& own = node->own_appraisal();
  if (!own.verified) {
    fmt::print(stderr, "sotto: our own verifier refuses our evidence: {}\n",
               printable(own.error->message));
  }
  if (!node->unmeasured().empty()) {
    fmt::print(stderr, "sotto: models and configuration are in no register: {}\n",
               printable(node->unmeasured()));
  }
}

}  // namespace sotto::cmd

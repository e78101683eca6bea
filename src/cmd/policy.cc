// `sotto policy`: writing a policy from evidence, checking one, showing the default.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "attest/appraise/policy.h"
#include "attest/appraise/policy_text.h"
#include "attest/verify/verify_evidence.h"
#include "base/output_file.h"
#include "base/text_encoding.h"
#include "cmd/commands.h"
#include "cmd/evidence_input.h"
#include "cmd/node_options.h"

namespace sotto::cmd {
namespace {

using namespace attest;

struct PolicyCommand {
  EvidenceInput input;
  std::string name = "mine";
  std::string out;
  std::string file;
};

// What the statement said, as far as a policy can pin it.
std::string statement_text(const Statement& statement) {
  std::string models;
  for (const StatedModel& model : statement.models) {
    models += fmt::format("{}\"{}\"", models.empty() ? "" : ", ", hex_of(model.model_root));
  }
  std::string text = "\n[statement]\n";
  if (!models.empty()) {
    text += fmt::format("# the models that it serves, by their roots\nmodels = [{}]\n", models);
  }
  text += fmt::format(
      "# its settings: SHA-256 of what `sotto serve --print-config` prints\nconfigurations = "
      "\"{}\"\n"
      "# the executable, by its own word; what vouches for it are the measurements below\n"
      "programs = \"{}\"\n",
      hex_of(statement.configuration_sha256), hex_of(statement.program_sha256));
  return text;
}

Result<std::string> text_of_pieces(const PolicyCommand& command) {
  const EvidenceKind kind = evidence_kind(command.input.kind).value();
  std::vector<Claims> all;
  const int64_t time = TRY(time_of(command.input.at));
  for (const Verified<Claims>& claims : TRY(verify_input(command.input, kind, time))) {
    if (!claims) {
      return fail(ErrorKind::untrusted, "the evidence does not verify, so it pins nothing: {}: {}",
                  to_string(claims.error().reason), claims.error().message);
    }
    all.push_back(*claims);
  }
  return policy_text(command.name, all);
}

Result<std::string> text_of_bundle(const PolicyCommand& command) {
  const BundleAppraisal appraisal =
      TRY(appraise_bundle_of(command.input, command.input.file, default_policy()));
  std::vector<Claims> all;
  for (const Appraisal& one : appraisal.evidence) {
    if (!one.claims) {
      return fail(ErrorKind::untrusted, "the evidence does not verify, so it pins nothing: {}",
                  one.error->message);
    }
    all.push_back(*one.claims);
  }
  if (!appraisal.statement || all.empty()) {
    return fail(ErrorKind::untrusted, "the bundle does not verify, so it pins nothing: {}",
                appraisal.error ? appraisal.error->message : "");
  }
  std::string text = policy_text(command.name, all);
  text.insert(text.find("\n\n") + 1, statement_text(*appraisal.statement));
  return text;
}

Result<int> init(const PolicyCommand& command) {
  const std::string text =
      command.input.kind.empty() ? TRY(text_of_bundle(command)) : TRY(text_of_pieces(command));
  TRY(parse_policy(text));  // whatever the evidence brought along
  if (command.out.empty()) {
    fmt::print("{}", text);
    return kExitOk;
  }
  OutputFile file = TRY(OutputFile::create(command.out));
  TRY(file.append(as_bytes(text)));
  TRY(file.commit());
  return kExitOk;
}

Result<int> check(const PolicyCommand& command) {
  const Policy policy = TRY(read_policy(command.file, false));
  for (const auto& [platform, one] : policy.platforms) {
    fmt::print("{}: {}\n", platform,
               one.measurements.empty()
                   ? "pins no measurement: accepts the platform, not a program"
                   : fmt::format("pins {} measurements", one.measurements.size()));
  }
  return kExitOk;
}

}  // namespace

Run add_policy(CLI::App& app) {
  auto command = std::make_shared<PolicyCommand>();
  app.require_subcommand(1);
  CLI::App* initing = app.add_subcommand("init", "write a policy that pins what evidence shows");
  initing
      ->add_option("--from", command->input.file, "a node's URL, a bundle, or a piece of evidence")
      ->required();
  add_evidence_options(*initing, command->input);
  initing->add_option("--name", command->name, "the policy's name")->capture_default_str();
  initing->add_option("--out", command->out, "a file instead of standard output");
  CLI::App* checking = app.add_subcommand("check", "read a policy, and say what it pins");
  checking->add_option("FILE", command->file)->required();
  CLI::App* showing = app.add_subcommand("default", "print the default policy");
  app.footer("Example: sotto policy init --from https://node.example --out mine.toml");
  return [command, initing, checking, showing]() -> Result<int> {
    if (initing->parsed()) return init(*command);
    if (checking->parsed()) return check(*command);
    (void)showing;
    fmt::print("{}", default_policy_text());
    return kExitOk;
  };
}

}  // namespace sotto::cmd

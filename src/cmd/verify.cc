// `sotto verify`: a node, its bundle, a receipt, or one piece of evidence, and a policy → verified or rejected.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "attest/appraise/appraisal_json.h"
#include "attest/bundle/appraise_bundle.h"
#include "attest/verify/verify_evidence.h"
#include "cmd/commands.h"
#include "cmd/evidence_input.h"
#include "cmd/node_options.h"
#include "cmd/verify_receipt.h"
#include "cmd/verify_report.h"

namespace sotto::cmd {
namespace {

using namespace attest;

struct VerifyCommand {
  EvidenceInput input;
  std::string policy;
  std::string bundle;
  ReceiptFiles receipt;
  bool allow_simulated = false;
  bool json = false;
  bool ear = false;
};

Result<BundleAppraisal> appraise_path(const VerifyCommand& command, const std::string& path) {
  return appraise_bundle_of(command.input, path,
                            TRY(read_policy(command.policy, command.allow_simulated)));
}

Result<int> verify_bundle(const VerifyCommand& command) {
  const BundleAppraisal appraisal = TRY(appraise_path(command, command.input.file));
  if (command.json) {
    fmt::print("{}\n", boost::json::serialize(bundle_appraisal_json(appraisal)));
  } else {
    print_bundle_appraisal(appraisal, !command.input.root.empty());
  }
  return appraisal.verified ? kExitOk : kExitUntrusted;
}

Result<int> verify_receipt(const VerifyCommand& command) {
  const std::string& path = command.bundle.empty() ? command.input.file : command.bundle;
  const BundleAppraisal bundle = TRY(appraise_path(command, path));
  const ReceiptVerdict verdict = TRY(check_receipt(command.receipt, bundle));
  const bool verified = bundle.verified && verdict.verified;
  if (command.json) {
    boost::json::object out{{"verdict", verified ? "verified" : "rejected"},
                            {"rules", rules_json(verdict.rules)},
                            {"bundle", bundle_appraisal_json(bundle)}};
    if (verdict.counted) {
      out["counted"] = {{"prompt_tokens", verdict.counted->prompt_tokens},
                        {"text_tokens", verdict.counted->text_tokens}};
    }
    fmt::print("{}\n", boost::json::serialize(out));
  } else {
    print_bundle_appraisal(bundle, !command.input.root.empty());
    print_receipt(verdict);
    fmt::print("\nThe answer is {}.\n", verified          ? "this node's"
                                        : bundle.verified ? "NOT what this node's receipt is about"
                                                          : "of a node that was REJECTED");
  }
  return verified ? kExitOk : kExitUntrusted;
}

boost::json::object json_of(const Appraisal& appraisal, EvidenceKind kind) {
  boost::json::object out = appraisal_json(appraisal);
  if (out["platform"].is_null()) out["platform"] = platform_of(kind);
  return out;
}

// A file may hold several devices' evidence; each has to pass.
Result<int> verify_pieces(const VerifyCommand& command) {
  const EvidenceKind kind = evidence_kind(command.input.kind).value();  // the option let it through
  const Policy policy = TRY(read_policy(command.policy, command.allow_simulated));
  const int64_t time = TRY(time_of(command.input.at));
  bool verified = true;
  boost::json::array all;
  for (const Verified<Claims>& claims : TRY(verify_input(command.input, kind, time))) {
    const Appraisal appraisal = appraise(claims, policy);
    verified = verified && appraisal.verified;
    if (command.ear) {
      all.push_back(ear_json(appraisal, time));
    } else if (command.json) {
      all.push_back(json_of(appraisal, kind));
    } else {
      print_appraisal(appraisal, !command.input.root.empty());
    }
  }
  if (command.json || command.ear) {
    const boost::json::value out = all.size() == 1 ? all.front() : boost::json::value(all);
    fmt::print("{}\n", boost::json::serialize(out));
  }
  return verified ? kExitOk : kExitUntrusted;
}

Result<int> run(const VerifyCommand& command) {
  if (!command.receipt.receipt.empty()) return verify_receipt(command);
  if (command.input.file.empty()) {
    fmt::print(stderr, "sotto verify: name a FILE to verify\n");
    return kExitUsage;
  }
  return command.input.kind.empty() ? verify_bundle(command) : verify_pieces(command);
}

}  // namespace

Run add_verify(CLI::App& app) {
  auto command = std::make_shared<VerifyCommand>();
  app.add_option("FILE", command->input.file,
                 "a node's URL, a bundle, or with --kind evidence as its platform made it");
  add_evidence_options(app, command->input);
  app.add_option("--policy", command->policy, "a policy in TOML instead of the default one");
  app.add_option("--bundle", command->bundle, "with --receipt: the node's bundle");
  CLI::Option* receipt = app.add_option("--receipt", command->receipt.receipt,
                                        "check this receipt of an answer, from a file");
  for (const auto& [name, value, what] :
       {std::tuple("--request", &command->receipt.request,
                   "with --receipt: the body that was sent"),
        std::tuple("--response", &command->receipt.response, "with --receipt: the body that came"),
        std::tuple("--salt", &command->receipt.salt,
                   "with --receipt: the digests' salt, hexadecimal")}) {
    CLI::Option* option = app.add_option(name, *value, what)->needs(receipt);
    receipt->needs(option);
  }
  app.add_option("--model", command->receipt.model,
                 "with --receipt: count its tokens again with this model's tokenizer")
      ->needs(receipt);
  app.add_flag("--allow-simulated", command->allow_simulated,
               "let a simulated TEE pass, which protects nothing, for this one call");
  app.add_flag("--json", command->json, "one JSON object, for machines");
  app.add_flag("--ear", command->ear, "the result as an EAT Attestation Result, unsigned");
  app.footer(
      "Example: sotto verify https://node.example; sotto verify quote.bin --kind tdx-quote "
      "--collateral "
      "collateral/");
  return [command] { return run(*command); };
}

}  // namespace sotto::cmd

// `sotto verify`: a bundle, or one piece of evidence with its collateral, and a policy → verified or rejected.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "attest/appraise/appraisal_json.h"
#include "attest/bundle/appraise_bundle.h"
#include "attest/verify/verify_evidence.h"
#include "base/text_encoding.h"
#include "base/utc_time.h"
#include "cmd/commands.h"
#include "cmd/evidence_files.h"
#include "cmd/fetch_options.h"
#include "cmd/node_options.h"
#include "cmd/verify_receipt.h"
#include "cmd/verify_report.h"
#include "crypto/random.h"
#include "fetch/fetch.h"

namespace sotto::cmd {
namespace {

using namespace attest;

struct VerifyCommand {
  std::string file;
  std::string kind;
  std::string policy;
  std::string at;
  std::string collateral;
  std::string root;
  std::string nonce;
  std::string bundle;
  ReceiptFiles receipt;
  FetchOptions fetch;
  bool allow_simulated = false;
  bool offline = false;
  bool json = false;
  bool ear = false;
};

// "2025-06-19T10:16:03Z", "2025-06-19", seconds since 1970, or now for nothing.
Result<int64_t> time_of(const std::string& text) {
  if (text.empty()) return static_cast<int64_t>(std::time(nullptr));
  if (text.size() <= 11 && text.find_first_not_of("0123456789") == std::string::npos) {
    return static_cast<int64_t>(std::stoll(text));
  }
  const Result<int64_t> time = parse_utc_time(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time) {
    return fail(ErrorKind::malformed, "--at {}: a time is like 2025-06-19T10:16:03Z or 2025-06-19",
                text);
  }
  return time;
}

Result<std::optional<std::vector<uint8_t>>> nonce_of(const VerifyCommand& command) {
  if (command.nonce.empty()) return std::nullopt;
  Result<std::vector<uint8_t>> nonce = bytes_of_hex(command.nonce);
  if (!nonce) return within("--nonce", nonce.error());
  return std::move(*nonce);
}

Result<Roots> roots_of(const VerifyCommand& command, EvidenceKind kind) {
  Roots roots = Roots::pinned();
  if (command.root.empty()) return roots;
  const std::vector<uint8_t> bytes = TRY(read_evidence_file(command.root, crypto::kPemBytesMax));
  Result<std::vector<crypto::Certificate>> given = crypto::parse_certificates(bytes);
  if (!given) return within("--root " + command.root, given.error());
  const std::vector<Vendor> vendors = vendors_of(kind);
  if (vendors.empty()) {
    return fail(ErrorKind::unsupported, "--root: evidence of kind {} is trusted by keys, not roots",
                to_string(kind));
  }
  for (Vendor vendor : vendors) {
    roots.replace(vendor, *given, roots.of(vendor).intermediates);
  }
  return roots;
}

bool is_url(const std::string& file) {
  return file.starts_with("https://") || file.starts_with("http://");
}

// From the node itself, made for the nonce. Who carries it does not matter.
Result<std::vector<uint8_t>> fetch_bundle(const std::string& url, Bytes nonce) {
  fetch::Request request;
  request.url = url;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += "/attestation?nonce=" + hex_of(nonce);
  request.trust = fetch::Trust::nobody;
  request.answer_bytes_max = kBundleBytesMax;
  fetch::Fetcher fetcher;
  const fetch::Answer answer = TRY(fetcher.get(request));
  if (answer.status != 200) {
    return fail(ErrorKind::unavailable, "{}: no evidence: it answers with status {}", url,
                answer.status);
  }
  return std::vector<uint8_t>(answer.body.begin(), answer.body.end());
}

Result<BundleAppraisal> appraise_bundle_of(const VerifyCommand& command, const std::string& path) {
  std::optional<std::vector<uint8_t>> nonce = TRY(nonce_of(command));
  std::vector<uint8_t> bytes;
  if (is_url(path)) {
    if (command.offline) return fail(ErrorKind::denied, "--offline, and {} is not here", path);
    if (!nonce) {
      nonce.emplace(32);
      crypto::fill_random(*nonce);
    }
    bytes = TRY(fetch_bundle(path, *nonce));
  } else {
    bytes = TRY(read_evidence_file(path, kBundleBytesMax));
  }
  const Result<Bundle> bundle = parse_bundle(as_text(bytes));
  if (!bundle) {
    return fail(bundle.error().kind, "{}: {}. For one piece of evidence name its kind with --kind",
                path, bundle.error().message);
  }
  if (bundle->evidence.empty()) {
    return fail(ErrorKind::malformed, "{}: a bundle without evidence", path);
  }
  const int64_t time = TRY(time_of(command.at));
  const Policy policy = TRY(read_policy(command.policy, command.allow_simulated));
  const Roots roots = TRY(roots_of(command, bundle->evidence.front().kind));
  return appraise_bundle(*bundle, policy, roots, time, {.nonce = std::move(nonce)});
}

Result<int> verify_bundle(const VerifyCommand& command) {
  const BundleAppraisal appraisal = TRY(appraise_bundle_of(command, command.file));
  if (command.json) {
    fmt::print("{}\n", boost::json::serialize(bundle_appraisal_json(appraisal)));
  } else {
    print_bundle_appraisal(appraisal, !command.root.empty());
  }
  return appraisal.verified ? kExitOk : kExitUntrusted;
}

Result<int> verify_receipt(const VerifyCommand& command) {
  const std::string& path = command.bundle.empty() ? command.file : command.bundle;
  const BundleAppraisal bundle = TRY(appraise_bundle_of(command, path));
  const ReceiptVerdict verdict = TRY(check_receipt(command.receipt, bundle));
  const bool verified = bundle.verified && verdict.verified;
  if (command.json) {
    fmt::print("{}\n", boost::json::serialize(
                           boost::json::object{{"verdict", verified ? "verified" : "rejected"},
                                               {"rules", rules_json(verdict.rules)},
                                               {"bundle", bundle_appraisal_json(bundle)}}));
  } else {
    print_bundle_appraisal(bundle, !command.root.empty());
    print_receipt(verdict);
    fmt::print("\nThe answer is {}.\n", verified          ? "this node's"
                                        : bundle.verified ? "NOT what this node's receipt is about"
                                                          : "of a node that was REJECTED");
  }
  return verified ? kExitOk : kExitUntrusted;
}

Result<int> run(const VerifyCommand& command) {
  if (!command.receipt.receipt.empty()) return verify_receipt(command);
  if (command.file.empty()) {
    fmt::print(stderr, "sotto verify: name a FILE to verify\n");
    return kExitUsage;
  }
  if (command.kind.empty()) return verify_bundle(command);
  const EvidenceKind kind = evidence_kind(command.kind).value();  // the option let it through
  const int64_t time = TRY(time_of(command.at));
  const Policy policy = TRY(read_policy(command.policy, command.allow_simulated));
  const Roots roots = TRY(roots_of(command, kind));
  const VerifyOptions options{.nonce = TRY(nonce_of(command))};
  const std::vector<uint8_t> evidence = TRY(read_evidence_file(command.file, kCollateralBytesMax));
  Collateral collateral;
  if (!command.collateral.empty()) collateral = TRY(read_collateral(command.collateral, kind));
  if (!command.offline) {
    add_fetched(*make_fetcher(command.fetch), kind, evidence, collateral);
  }
  const Appraisal appraisal =
      appraise(verify_evidence(kind, evidence, collateral, roots, time, options), policy);
  if (command.ear) {
    fmt::print("{}\n", boost::json::serialize(ear_json(appraisal, time)));
  } else if (command.json) {
    boost::json::object out = appraisal_json(appraisal);
    if (out["platform"].is_null()) out["platform"] = platform_of(kind);
    fmt::print("{}\n", boost::json::serialize(out));
  } else {
    print_appraisal(appraisal, !command.root.empty());
  }
  return appraisal.verified ? kExitOk : kExitUntrusted;
}

}  // namespace

Run add_verify(CLI::App& app) {
  auto command = std::make_shared<VerifyCommand>();
  std::vector<std::string> kinds;
  for (EvidenceKind kind : evidence_kinds()) kinds.emplace_back(to_string(kind));
  app.add_option("FILE", command->file,
                 "a node's URL, a bundle, or with --kind evidence as its platform made it");
  app.add_option("--kind", command->kind, "what the evidence is; without it a bundle")
      ->check(CLI::IsMember(kinds));
  app.add_option("--collateral", command->collateral,
                 "a folder of files by their names (tcb_info.json, pck_crl.der, …), one "
                 "certificate, manifest or key set, or a bundle's collateral as JSON");
  app.add_option("--policy", command->policy, "a policy in TOML instead of the default one");
  app.add_option("--at", command->at,
                 "verify as of this time, such as 2025-06-19T10:16:03Z; now by default");
  app.add_option("--nonce", command->nonce, "hexadecimal: must be in the evidence");
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
  app.add_option("--root", command->root,
                 "trust this root (PEM or DER) instead of the vendor's, for this one call");
  app.add_flag("--allow-simulated", command->allow_simulated,
               "let a simulated TEE pass, which protects nothing, for this one call");
  app.add_flag("--offline", command->offline, "use no network");
  add_fetch_options(app, command->fetch);
  app.add_flag("--json", command->json, "one JSON object, for machines");
  app.add_flag("--ear", command->ear, "the result as an EAT Attestation Result, unsigned");
  app.footer(
      "Example: sotto verify https://node.example; sotto verify quote.bin --kind tdx-quote "
      "--collateral "
      "collateral/");
  return [command] { return run(*command); };
}

}  // namespace sotto::cmd

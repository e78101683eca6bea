// Reading the files, comparing digests, printing.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/verify_receipt.h"

#include <fmt/format.h>

#include "base/text_encoding.h"
#include "base/utc_time.h"
#include "cmd/evidence_files.h"
#include "cmd/terminal.h"
#include "cmd/verify_report.h"

namespace sotto::cmd {
namespace {

using attest::Rule;
using attest::RuleVerdict;

constexpr uint64_t kBodyBytesMax = 256 << 20;

Rule rule(std::string name, bool passed, std::string expected, std::string actual) {
  return {std::move(name), passed ? RuleVerdict::passed : RuleVerdict::failed, std::move(expected),
          std::move(actual)};
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.pop_back();
  }
  return text;
}

Result<std::string> read_text(const std::string& path) {
  const std::vector<uint8_t> bytes = TRY(read_evidence_file(path, kBodyBytesMax));
  return std::string(bytes.begin(), bytes.end());
}

Result<std::string> read_token(const std::string& path) {
  const std::string text = TRY(read_text(path));
  if (const auto split = channel::split_receipt(text)) return split->token;
  return trimmed(text);
}

}  // namespace

Result<ReceiptVerdict> check_receipt(const ReceiptFiles& files,
                                     const attest::BundleAppraisal& bundle) {
  const std::string token = TRY(read_token(files.receipt));
  const std::string request = TRY(read_text(files.request));
  std::string response = TRY(read_text(files.response));
  if (const auto split = channel::split_receipt(response)) response = split->body;
  const Result<std::vector<uint8_t>> salt = bytes_of_hex(files.salt);
  if (!salt) return within("--salt", salt.error());

  ReceiptVerdict verdict;
  const std::vector<uint8_t> key =
      bundle.statement ? bundle.statement->receipt_key : std::vector<uint8_t>();
  const Result<channel::Receipt> receipt =
      key.empty() ? Result<channel::Receipt>(fail(ErrorKind::untrusted, "the statement has no key"))
                  : channel::verify_receipt(token, key);
  verdict.rules.push_back(rule("receipt-signature", receipt.has_value(), "by the statement's key",
                               receipt ? "by the statement's key" : receipt.error().message));
  if (!receipt) return verdict;
  verdict.receipt = *receipt;
  const auto compare = [&](const char* name, const crypto::Sha256Digest& expected,
                           const crypto::Sha256Digest& actual) {
    verdict.rules.push_back(rule(name, expected == actual, hex_of(expected), hex_of(actual)));
  };
  compare("receipt-statement", bundle.statement_sha256, receipt->statement_sha256);
  using channel::Direction;
  compare("receipt-request", channel::salted_digest(Direction::request, *salt, request),
          receipt->request_sha256);
  compare("receipt-response", channel::salted_digest(Direction::response, *salt, response),
          receipt->response_sha256);
  if (!files.model.empty()) {
    verdict.counted = TRY(count_tokens(files.model, *receipt, request, response));
    compare("receipt-model", receipt->model_root, verdict.counted->model_root);
    const uint64_t stated = receipt->usage.prompt_tokens, found = verdict.counted->prompt_tokens;
    verdict.rules.push_back(rule("receipt-prompt-tokens", stated == found,
                                 fmt::format("{}", stated), fmt::format("{}", found)));
  }
  verdict.verified = true;
  for (const Rule& one : verdict.rules) {
    verdict.verified = verdict.verified && one.verdict == RuleVerdict::passed;
  }
  return verdict;
}

void print_receipt(const ReceiptVerdict& verdict) {
  fmt::print("\nReceipt\n");
  print_rules(verdict.rules);
  if (!verdict.receipt) return;
  const channel::Receipt& receipt = *verdict.receipt;
  fmt::print("  {:<16} {}, {}, status {}, {}\n", "answer", printable(receipt.id),
             printable(receipt.endpoint), receipt.status, to_string(receipt.outcome));
  fmt::print("  {:<16} {}\n", "signed", utc_time_text(receipt.issued_at));
  if (!receipt.model.empty()) {
    fmt::print("  {:<16} {}, {}\n", "model", printable(receipt.model), hex_of(receipt.model_root));
  }
  if (receipt.sampling) {
    fmt::print("  {:<16} temperature {}, seed {}\n", "sampling", receipt.sampling->temperature,
               receipt.sampling->seed);
  }
  fmt::print("  {:<16} {} in the prompt, {} in the answer\n", "tokens", receipt.usage.prompt_tokens,
             receipt.usage.completion_tokens);
  if (verdict.counted) {
    fmt::print("  {:<16} {} in the prompt; {} in the answer's words alone\n", "counted here",
               verdict.counted->prompt_tokens, verdict.counted->text_tokens);
  }
}

}  // namespace sotto::cmd

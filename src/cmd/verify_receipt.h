// Checking what a node signed about an answer against its bundle and the bytes that the asker kept.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/bundle/appraise_bundle.h"
#include "attest/rules.h"
#include "base/result.h"
#include "channel/receipt.h"
#include "cmd/receipt_tokens.h"

namespace sotto::cmd {

struct ReceiptFiles {
  std::string receipt;   // the token, or a stream with one in it
  std::string request;   // the body that was sent
  std::string response;  // the body that came; of a stream with or without the receipt's line
  std::string salt;      // hexadecimal
  std::string model;     // a model's file to count tokens with; empty: they are not counted
};

struct ReceiptVerdict {
  bool verified = false;
  std::optional<channel::Receipt>
      receipt;  // nothing when its signature is not the statement's key's
  std::optional<CountedTokens> counted;
  std::vector<attest::Rule> rules;
};

// Rules: receipt-signature, receipt-statement, receipt-request and receipt-response, and with a model receipt-model
// and receipt-prompt-tokens; all of them are looked at. The bundle's own verdict is the caller's to look at. Errors are those of the files.
Result<ReceiptVerdict> check_receipt(const ReceiptFiles& files,
                                     const attest::BundleAppraisal& bundle);

void print_receipt(const ReceiptVerdict& verdict);

}  // namespace sotto::cmd

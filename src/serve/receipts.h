// Receipts of the answers that a server gives: signed while they go out, kept for a while.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attest/node/node.h"
#include "channel/receipt.h"
#include "crypto/issue.h"
#include "serve/http.h"

namespace sotto::serve {

// Threads may use one together.
class ReceiptDesk {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::hours kKept{1};
  static constexpr size_t kKeptMax = 16384;  // the oldest go first

  // `key` is Ed25519, its public half in the node's statement. The node must outlive the desk.
  ReceiptDesk(crypto::KeyPair key, const attest::Node& node) : key_(std::move(key)), node_(node) {}

  // Fills in the statement and the time, signs, keeps.
  std::string issue(channel::Receipt receipt, uint64_t tenant);
  // Only whose answer it was finds a receipt again.
  std::optional<std::string> find(std::string_view id, uint64_t tenant);

 private:
  struct Kept {
    std::string token;
    uint64_t tenant;
    Clock::time_point at;
  };

  const crypto::KeyPair key_;
  const attest::Node& node_;
  std::mutex mutex_;
  std::unordered_map<std::string, Kept> kept_;
  std::deque<std::string> order_;
};

// The public half as a statement has it: 32 bytes.
std::vector<uint8_t> receipt_key_bytes(const crypto::KeyPair& key);

// One answer's receipt while the answer goes out.
class ReceiptDraft {
 public:
  // The salt is the request's field x-sotto-salt in hexadecimal, or one of our own. Nothing when the
  // field is no such salt.
  static std::optional<ReceiptDraft> begin(ReceiptDesk& desk, const HttpRequest& request,
                                           std::string id, std::string endpoint);

  channel::Receipt facts;  // what the answer is about; the digests and the outcome are ours
  uint64_t tenant = 0;

  // The salt for the asker, where it is ours; empty otherwise.
  const std::string& told_salt() const { return told_salt_; }
  void add(std::string_view bytes) { response_.update(bytes); }
  // Signs; once.
  std::string finish(channel::Outcome outcome, uint32_t status);
  bool finished() const { return finished_; }

 private:
  ReceiptDraft(ReceiptDesk& desk, std::vector<uint8_t> salt);

  ReceiptDesk* desk_;
  channel::SaltedDigest response_;
  std::string told_salt_;
  bool finished_ = false;
};

}  // namespace sotto::serve

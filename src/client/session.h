// The verifying client: nothing leaves before the node was verified, and then to its own keys alone.
// SPDX-License-Identifier: Apache-2.0
//
//   client::Session session({.url = "https://node.example", .policy = policy});
//   if (const auto verified = session.verify(); !verified) …      // says what was wrong
//   const auto answer = session.ask(request, on_head, on_bytes);  // the answer as it comes
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/appraise/policy.h"
#include "attest/bundle/appraise_bundle.h"
#include "attest/roots.h"
#include "base/result.h"
#include "channel/binary_http.h"
#include "channel/key_config.h"
#include "channel/receipt.h"
#include "fetch/fetch.h"

namespace sotto::client {

struct SessionOptions {
  std::string url;          // of the node: https://HOST[:PORT], or http://… behind a relay or here
  std::string unix_socket;  // a path, instead of the URL's host
  attest::Policy policy = attest::default_policy();
  attest::Roots roots = attest::Roots::pinned();
  // Not sealed but inside TLS with the node's attested key; needs a way to the node that nobody ends.
  bool direct = false;
  // Evidence is asked for anew after so long, and whenever a node's key has changed.
  std::chrono::seconds verify_again{600};
  std::function<int64_t()> now;  // Unix seconds; the system's clock if empty
};

struct Request {
  std::string method = "POST";
  std::string path;  // "/v1/chat/completions", with its query
  channel::Fields fields;
  SecretVector<uint8_t> body;
};

// What became of a request, when all of the answer has come and was what the node signed.
struct Outcome {
  uint32_t status = 0;
  std::string receipt_token;                // empty where the endpoint gives none
  std::optional<channel::Receipt> receipt;  // verified
  std::vector<uint8_t> salt;                // of the receipt's digests
};

using OnHead = std::function<bool(uint32_t status, const channel::Fields& fields)>;
using OnBytes = std::function<bool(std::string_view bytes)>;
using Cancelled = std::function<bool()>;

// Threads may use one together.
class Session {
 public:
  explicit Session(SessionOptions options);

  // Fetches the node's bundle with a fresh nonce, verifies and appraises it, and pins its keys.
  // `untrusted` with the first rule that failed, and then no key is pinned; errors of fetch.h;
  // `unsupported` when the node states no key for Oblivious HTTP.
  Result<void> verify();

  // Seals the request to the pinned key, verifying first where that is due, and gives out the answer
  // while it comes: on_head once, then on_bytes; either may say false to stop (`cancelled`). `untrusted`
  // when the node is not verified, or when something in the answer is not as it was sealed or signed:
  // then what was given out is authentic up to there and not complete.
  Result<Outcome> ask(const Request& request, const OnHead& on_head, const OnBytes& on_bytes,
                      const Cancelled& cancelled = {});

  // Of the last verification; nothing before the first.
  std::optional<attest::BundleAppraisal> appraisal() const;
  // The bundle of it, as it came.
  std::string bundle() const;

 private:
  struct Pinned {
    channel::KeyConfig ohttp;
    std::vector<uint8_t> tls_spki_sha256;
    std::vector<uint8_t> receipt_key;
    crypto::Sha256Digest statement_sha256{};
    int64_t verified_at = 0;
    int64_t valid_until = 0;
  };

  int64_t now() const;
  Result<Pinned> pinned();
  fetch::Request node_request(std::string_view path) const;
  Result<Outcome> ask_once(const Pinned& pinned, const Request& request, const OnHead& on_head,
                           const OnBytes& on_bytes, const Cancelled& cancelled, bool& key_refused);
  Result<Outcome> ask_direct(const Pinned& pinned, const Request& request, const OnHead& on_head,
                             const OnBytes& on_bytes, const Cancelled& cancelled);
  // The receipt that came with the answer, checked; an error where there must be one and is none.
  Result<Outcome> with_receipt(Outcome outcome, const Pinned& pinned, const Request& request,
                               const crypto::Sha256Digest& response) const;
  Result<channel::Receipt> check_receipt(const Pinned& pinned, const Request& request,
                                         const Outcome& outcome,
                                         const crypto::Sha256Digest& response) const;
  Result<fetch::Answer> get(const fetch::Request& request);

  const SessionOptions options_;
  std::mutex verifying_;  // one at a time asks for evidence
  mutable std::mutex mutex_;
  std::optional<Pinned> pinned_;
  std::optional<attest::BundleAppraisal> appraisal_;
  std::string bundle_;
  std::vector<std::unique_ptr<fetch::Fetcher>>
      idle_;  // their connections wait for the next request
};

}  // namespace sotto::client

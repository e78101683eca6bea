// A node: its statement, and evidence for whoever asks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "attest/bundle/appraise_bundle.h"
#include "attest/node/attester.h"

namespace sotto::attest {

// How long a statement is valid: a node that runs longer makes evidence that nobody accepts, and has
// to be started anew.
inline constexpr int64_t kStatementSeconds = 20 * 86400;
// Evidence that was made before anybody asked is made anew after this time.
inline constexpr int64_t kCachedSeconds = 3600;

// Calls from any thread; one at a time makes evidence.
class Node {
 public:
  // Fills in `statement`'s platform and times, measures it, and makes first evidence: a node that
  // cannot does not start. `tls_spki` is DER, empty where there is none; `now` Unix seconds.
  static Result<std::unique_ptr<Node>> create(std::unique_ptr<Attester> attester,
                                              Statement statement, std::vector<uint8_t> tls_spki,
                                              int64_t now);

  // As it is now: renew() changes it.
  Statement statement() const;
  // The bytes that evidence is bound to.
  std::string statement_bytes() const;
  crypto::Sha256Digest statement_sha256() const;
  // States these keys from now on, valid from now on, and makes evidence of that. On an error all stays
  // as it was.
  Result<void> renew(std::vector<uint8_t> ohttp_keys, int64_t now);
  // Nothing, or why models and configuration stand in no run-time register.
  const std::string& unmeasured() const { return unmeasured_; }

  // A bundle as JSON with its hints, made for this nonce; without one, the last that was made without.
  // Who asks for the same nonce meanwhile or right after gets the same. `malformed` for a nonce of a
  // wrong length. May take seconds.
  Result<std::string> bundle(Bytes nonce, int64_t now);

  // What our own verifier thought of the first evidence, by the default policy.
  const BundleAppraisal& own_appraisal() const { return own_; }

 private:
  Node() = default;
  struct Stated {
    Statement statement;
    std::string bytes;
  };
  Stated stated() const;
  Result<std::string> make(const Stated& stated, Bytes nonce, int64_t now);

  std::vector<uint8_t> tls_spki_;
  std::string unmeasured_;
  Roots roots_;
  Policy policy_;
  BundleAppraisal own_;  // set by create() and then constant

  mutable std::mutex stated_mutex_;
  Stated stated_;

  std::mutex attester_mutex_;
  std::unique_ptr<Attester> attester_;
  std::vector<uint8_t> last_nonce_;
  std::string last_statement_;
  std::string last_;

  std::mutex cache_mutex_;  // taken first
  std::string cached_;
  int64_t cached_at_ = 0;
};

}  // namespace sotto::attest

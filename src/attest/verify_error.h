// Why evidence was refused: a reason that programs act on, a message, and the rules looked at so far.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attest/rules.h"
#include "base/result.h"
#include "crypto/x509.h"

namespace sotto::attest {

// The `error.kind` of a verification's JSON; never renamed.
enum class Reason : uint8_t {
  malformed,           // the bytes do not follow their format
  unsupported,         // a version, algorithm or product that this program does not know
  wrong_kind,          // evidence of another kind than was asked for, such as SGX for a TD
  missing_collateral,  // a certificate, CRL or reference value that is needed is not there
  wrong_collateral,    // collateral for another machine, product or purpose (FMSPC, CA, RIM name)
  bad_signature,       // of the evidence, or of anything on the way to the root
  untrusted_root,      // the chain does not reach a pinned root
  chain_invalid,       // path rules: not a CA, too long, weak keys, names
  revoked,
  expired,               // a certificate, CRL, collateral or token, at the given time
  not_yet_valid,         // the same on the other side, "issued in the future" included
  binding_mismatch,      // two things that must name each other do not: key hash, chip id, nonce
  measurement_mismatch,  // an event log, PCR digest, RIM or endorsement does not give what was measured
  identity_mismatch,  // the quoting enclave or a signer is not the one it must be
  tcb_not_supported,  // no TCB level matches: not a status, an error
  tcb_revoked,        // the level that matches is revoked
  debug,              // the guest's memory can be read by its host
  simulated,          // evidence that says that it protects nothing
  unsigned_evidence,  // evidence without a signature
  policy,             // an appraisal's rule that the claims do not meet
  internal,           // our own invariant did not hold
};
// "bad-signature", "tcb-not-supported", …
std::string_view to_string(Reason reason);

struct VerifyError {
  Reason reason;
  std::string message;           // names field, place and both values
  std::vector<Rule> rules = {};  // those that were looked at, the failed one last
};

template <class T>
class [[nodiscard]] Verified : public std::expected<T, VerifyError> {
 public:
  using std::expected<T, VerifyError>::expected;
  using std::expected<T, VerifyError>::operator=;
};

// `return refuse(Reason::revoked, "{} is revoked", name);`
template <class... Args>
[[nodiscard]] std::unexpected<VerifyError> refuse(Reason reason, fmt::format_string<Args...> format,
                                                  Args&&... args) {
  return std::unexpected(VerifyError{reason, fmt::format(format, std::forward<Args>(args)...)});
}

// Errors from below, as reasons, with `where` in front: "PCK chain: …". `untrusted` becomes
// bad_signature, which is what crypto/ means by it.
VerifyError from_error(std::string_view where, const Error& error);
VerifyError from_error(std::string_view where, const crypto::ChainError& error);

// The value of a result from below, or its error as a reason: `TRY(lift("TCB info", parse(bytes)))`.
template <class T, class E>
Verified<T> lift(std::string_view where, std::expected<T, E> result) {
  if (!result) return std::unexpected(from_error(where, result.error()));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(result).value();
  }
}
template <class T>
Verified<T> lift(std::string_view where, Result<T> result) {
  return lift(where, static_cast<std::expected<T, Error>&&>(std::move(result)));
}

// Collects rules while a verification goes on. Each call records one rule; the first that fails is
// returned as the error that ends the verification, with all rules so far.
class RuleList {
 public:
  // The rule holds, or `reason` with "NAME: expected …, actual …".
  Verified<void> require(std::string_view name, bool holds, Reason reason, std::string expected,
                         std::string actual);

  // The result passes the rule if it is a value: `TRY(rules.check("pck-chain", "…", chain()))`.
  // `expected` says in words what the rule wants.
  template <class T>
  Verified<T> check(std::string_view name, std::string expected, Verified<T> result) {
    if (!result) {
      record(name, RuleVerdict::failed, std::move(expected), result.error().message);
      result.error().rules = rules_;
      return result;
    }
    record(name, RuleVerdict::passed, expected, expected);
    return result;
  }

  void record(std::string_view name, RuleVerdict verdict, std::string expected, std::string actual);
  // The same error, with the rules so far.
  std::unexpected<VerifyError> with_rules(VerifyError error) const;

  const std::vector<Rule>& rules() const { return rules_; }

 private:
  std::vector<Rule> rules_;
};

}  // namespace sotto::attest

// Reasons by name, errors from below as reasons, and the list of rules.
// SPDX-License-Identifier: Apache-2.0
#include "attest/verify_error.h"

namespace sotto::attest {
namespace {

Reason reason_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::malformed:
    case ErrorKind::exhausted:
      return Reason::malformed;
    case ErrorKind::unsupported:
      return Reason::unsupported;
    case ErrorKind::untrusted:
      return Reason::bad_signature;
    case ErrorKind::expired:
      return Reason::expired;
    case ErrorKind::unavailable:
      return Reason::missing_collateral;
    case ErrorKind::denied:
      return Reason::policy;
    case ErrorKind::cancelled:
    case ErrorKind::internal:
      return Reason::internal;
  }
  return Reason::internal;
}

Reason reason_of(crypto::ChainFault fault) {
  using crypto::ChainFault;
  switch (fault) {
    case ChainFault::bad_signature:
    case ChainFault::crl_bad_signature:
      return Reason::bad_signature;
    case ChainFault::unknown_issuer:
      return Reason::untrusted_root;
    case ChainFault::expired:
    case ChainFault::crl_expired:
      return Reason::expired;
    case ChainFault::not_yet_valid:
    case ChainFault::crl_not_yet_valid:
      return Reason::not_yet_valid;
    case ChainFault::revoked:
      return Reason::revoked;
    case ChainFault::crl_missing:
      return Reason::missing_collateral;
    case ChainFault::not_a_ca:
    case ChainFault::path_too_long:
    case ChainFault::weak_algorithm:
    case ChainFault::unhandled_extension:
    case ChainFault::other:
      return Reason::chain_invalid;
  }
  return Reason::internal;
}

}  // namespace

std::string_view to_string(RuleVerdict verdict) {
  switch (verdict) {
    case RuleVerdict::passed:
      return "passed";
    case RuleVerdict::failed:
      return "failed";
    case RuleVerdict::skipped:
      return "skipped";
  }
  return "?";
}

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::malformed:
      return "malformed";
    case Reason::unsupported:
      return "unsupported";
    case Reason::wrong_kind:
      return "wrong-kind";
    case Reason::missing_collateral:
      return "missing-collateral";
    case Reason::wrong_collateral:
      return "wrong-collateral";
    case Reason::bad_signature:
      return "bad-signature";
    case Reason::untrusted_root:
      return "untrusted-root";
    case Reason::chain_invalid:
      return "chain-invalid";
    case Reason::revoked:
      return "revoked";
    case Reason::expired:
      return "expired";
    case Reason::not_yet_valid:
      return "not-yet-valid";
    case Reason::binding_mismatch:
      return "binding-mismatch";
    case Reason::measurement_mismatch:
      return "measurement-mismatch";
    case Reason::identity_mismatch:
      return "identity-mismatch";
    case Reason::tcb_not_supported:
      return "tcb-not-supported";
    case Reason::tcb_revoked:
      return "tcb-revoked";
    case Reason::debug:
      return "debug";
    case Reason::simulated:
      return "simulated";
    case Reason::unsigned_evidence:
      return "unsigned-evidence";
    case Reason::policy:
      return "policy";
    case Reason::internal:
      return "internal";
  }
  return "?";
}

VerifyError from_error(std::string_view where, const Error& error) {
  return {reason_of(error.kind), fmt::format("{}: {}", where, error.message)};
}

VerifyError from_error(std::string_view where, const crypto::ChainError& error) {
  return {reason_of(error.fault),
          fmt::format("{}: {}: {}", where, to_string(error.fault), error.message)};
}

Verified<void> RuleList::require(std::string_view name, bool holds, Reason reason,
                                 std::string expected, std::string actual) {
  if (holds) {
    record(name, RuleVerdict::passed, std::move(expected), std::move(actual));
    return {};
  }
  std::string message = fmt::format("{}: expected {}, actual {}", name, expected, actual);
  record(name, RuleVerdict::failed, std::move(expected), std::move(actual));
  return with_rules({reason, std::move(message)});
}

void RuleList::record(std::string_view name, RuleVerdict verdict, std::string expected,
                      std::string actual) {
  rules_.push_back({std::string(name), verdict, std::move(expected), std::move(actual)});
}

std::unexpected<VerifyError> RuleList::with_rules(VerifyError error) const {
  error.rules = rules_;
  return std::unexpected(std::move(error));
}

}  // namespace sotto::attest

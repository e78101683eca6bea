// Verifying PCK chains and signed collateral.
// SPDX-License-Identifier: Apache-2.0
#include "attest/tdx/trust.h"

#include "attest/tdx/verify.h"
#include "base/utc_time.h"

namespace sotto::attest::tdx {
namespace {

using crypto::Certificate;

constexpr size_t kPckChainCertificatesMax = 4;
constexpr std::string_view kPckName = "Intel SGX PCK Certificate";
constexpr std::string_view kPlatformCaName = "Intel SGX PCK Platform CA";
constexpr std::string_view kProcessorCaName = "Intel SGX PCK Processor CA";
constexpr std::string_view kTcbSignerName = "Intel SGX TCB Signing";

Verified<void> check_name(const Certificate& certificate, std::string_view wanted,
                          std::string_view or_wanted) {
  const std::string name = certificate.subject_common_name();
  if (name == wanted || name == or_wanted) return {};
  return refuse(Reason::identity_mismatch, "a certificate of \"{}\" where \"{}\" belongs", name,
                wanted);
}

bool on_path(const std::vector<Certificate>& path, const Certificate& certificate) {
  return std::any_of(path.begin(), path.end(), [&](const Certificate& one) {
    return one.fingerprint() == certificate.fingerprint();
  });
}

std::string_view view_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Verified<Trust> Trust::make(const Collateral& collateral, const Roots& roots, int64_t time) {
  Trust trust(collateral, roots.of(Vendor::intel_sgx), time);
  for (std::string_view name : {kPckCrl, kRootCaCrl}) {
    const std::optional<Bytes> bytes = collateral.find(name);
    if (bytes) trust.crls_.push_back(TRY(lift(name, crypto::Crl::parse(*bytes))));
  }
  return trust;
}

Verified<std::vector<Certificate>> Trust::parse_chain(std::string_view what, Bytes bytes) const {
  std::vector<Certificate> chain =
      TRY(lift(what, crypto::parse_certificates(bytes, kPckChainCertificatesMax, known_)));
  // Some collateral comes with the root in front.
  if (chain.front().self_issued()) std::rotate(chain.begin(), chain.begin() + 1, chain.end());
  return chain;
}

Verified<void> Trust::need_crls() const {
  TRY(collateral_.need(kPckCrl));
  TRY(collateral_.need(kRootCaCrl));
  return {};
}

Verified<std::vector<Certificate>> Trust::verify(std::string_view what,
                                                 const std::vector<Certificate>& chain,
                                                 crypto::CrlCheck crl_check) {
  const std::vector<Certificate> rest(chain.begin() + 1, chain.end());
  std::vector<Certificate> path = TRY(
      lift(what, crypto::verify_chain(chain[0], rest, anchors_.roots, crls_, time_, {crl_check})));
  // Whatever came along must be on the path, or be another certificate of the root's key: Intel's root
  // has two, and the path ends in the one that we have.
  for (const Certificate& certificate : chain) {
    if (on_path(path, certificate)) continue;
    if (!certificate.self_issued()) {
      return refuse(Reason::chain_invalid, "{}: a certificate that is not on the path", what);
    }
    if (certificate.spki() != path.back().spki()) {
      return refuse(Reason::untrusted_root, "{}: the root that came along has another key", what);
    }
    if (!certificate.self_signed()) {
      return refuse(Reason::bad_signature, "{}: the root that came along is not signed by its key",
                    what);
    }
  }
  for (const Certificate& certificate : path) note_expiry(certificate.not_after());
  if (crl_check != crypto::CrlCheck::none) {
    for (const crypto::Crl& crl : crls_) note_expiry(crl.next_update().value_or(INT64_MAX));
  }
  return path;
}

Verified<Certificate> Trust::check_pck_chain(const std::vector<Certificate>& chain) {
  if (chain.size() > kPckChainCertificatesMax) {
    return refuse(Reason::malformed, "PCK chain: {} certificates", chain.size());
  }
  const bool has_crls = need_crls().has_value();
  const std::vector<Certificate> path =
      TRY(verify("PCK chain", chain, has_crls ? crypto::CrlCheck::all : crypto::CrlCheck::none));
  if (path.size() != 3) {
    return refuse(Reason::chain_invalid, "PCK chain: {} certificates on the path; 3 expected",
                  path.size());
  }
  TRY(check_name(path[0], kPckName, kPckName));
  TRY(check_name(path[1], kPlatformCaName, kProcessorCaName));
  pck_path_ = path;
  known_.insert(known_.end(), path.begin(), path.end());
  return path[0];
}

Verified<void> Trust::check_crl_issuers() {
  const std::optional<Bytes> bytes = collateral_.find(kPckCrlIssuerChain);
  if (!bytes) return {};
  const std::vector<Certificate> chain = TRY(parse_chain(kPckCrlIssuerChain, *bytes));
  // Mostly these are the PCK's own issuers, which need not be verified again.
  const bool known = std::all_of(chain.begin(), chain.end(),
                                 [&](const Certificate& one) { return on_path(pck_path_, one); });
  if (!known) TRY(verify(kPckCrlIssuerChain, chain, crypto::CrlCheck::all));
  return check_name(chain[0], kPlatformCaName, kProcessorCaName);
}

Verified<crypto::PublicKey> Trust::signer_key(std::string_view chain_name) {
  std::optional<Bytes> bytes = collateral_.find(chain_name);
  if (!bytes) bytes = TRY(collateral_.need(kTcbSigningChain));
  if (signer_ &&
      std::equal(bytes->begin(), bytes->end(), signer_chain_.begin(), signer_chain_.end())) {
    return *signer_;
  }
  const std::vector<Certificate> chain = TRY(parse_chain(chain_name, *bytes));
  TRY(verify(chain_name, chain, crypto::CrlCheck::all));
  TRY(check_name(chain[0], kTcbSignerName, kTcbSignerName));
  signer_ = TRY(lift(chain_name, chain[0].public_key()));
  signer_chain_.assign(bytes->begin(), bytes->end());
  return *signer_;
}

Verified<std::string_view> Trust::check_signed(std::string_view name, std::string_view member,
                                               std::string_view chain_name) {
  const std::string_view json = view_of(TRY(collateral_.need(name)));
  const SignedSection section = TRY(lift(name, split_signed(json, member)));
  const crypto::PublicKey key = TRY(signer_key(chain_name));
  TRY(lift(name, crypto::verify_signature(key, crypto::SignatureScheme::ecdsa_raw,
                                          crypto::HashAlgorithm::sha256, as_bytes(section.bytes),
                                          section.signature)));
  return section.bytes;
}

Verified<void> Trust::check_window(std::string_view what, int64_t issued, int64_t next_update) {
  if (time_ < issued) {
    return refuse(Reason::not_yet_valid, "{}: issued {}, which is after {}", what,
                  utc_time_text(issued), utc_time_text(time_));
  }
  if (time_ > next_update) {
    return refuse(Reason::expired, "{}: to be renewed by {}, which is before {}", what,
                  utc_time_text(next_update), utc_time_text(time_));
  }
  note_expiry(next_update);
  return {};
}

}  // namespace sotto::attest::tdx

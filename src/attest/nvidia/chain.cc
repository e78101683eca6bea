// Verification of chains whose every certificate counts.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/chain.h"

#include <algorithm>

namespace sotto::attest::nvidia {
namespace {

using crypto::Certificate;

// CRLs of those issuers alone that have one are checked, a certificate at a time.
Verified<void> check_revocation(std::string_view what, const std::vector<Certificate>& path,
                                const Anchors& anchors, const std::vector<crypto::Crl>& crls,
                                int64_t time) {
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    const bool has_crl = std::any_of(crls.begin(), crls.end(), [&](const crypto::Crl& crl) {
      return crl.issuer() == path[i].issuer();
    });
    if (!has_crl) continue;
    const std::vector<Certificate> rest(path.begin() + static_cast<ptrdiff_t>(i) + 1, path.end());
    TRY(lift(what, crypto::verify_chain(path[i], rest, anchors.roots, crls, time,
                                        {crypto::CrlCheck::leaf})));
  }
  return {};
}

}  // namespace

Verified<std::vector<Certificate>> verify_ordered_chain(std::string_view what,
                                                        const std::vector<Certificate>& chain,
                                                        const Anchors& anchors,
                                                        const std::vector<crypto::Crl>& crls,
                                                        int64_t time) {
  if (chain.empty() || chain.size() > kChainMax) {
    return refuse(Reason::chain_invalid, "{}: {} certificates, 1 to {} are allowed", what,
                  chain.size(), kChainMax);
  }
  const std::vector<Certificate> rest(chain.begin() + 1, chain.end());
  std::vector<Certificate> path =
      TRY(lift(what, crypto::verify_chain(chain[0], rest, anchors.roots, {}, time)));
  if (chain.size() != path.size() && chain.size() + 1 != path.size()) {
    return refuse(Reason::chain_invalid, "{}: {} of its {} certificates lead to the root", what,
                  path.size(), chain.size());
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    if (chain[i].fingerprint() == path[i].fingerprint()) continue;
    const bool root = i + 1 == path.size() && chain[i].spki() == path[i].spki();
    if (!root || !chain[i].self_signed()) {
      return refuse(root ? Reason::bad_signature : Reason::chain_invalid,
                    "{}: certificate {}, \"{}\", is not the one that leads to the root", what, i,
                    chain[i].subject());
    }
  }
  TRY(check_revocation(what, path, anchors, crls, time));
  return path;
}

int64_t valid_until(const std::vector<Certificate>& path) {
  int64_t until = INT64_MAX;
  for (const Certificate& certificate : path) until = std::min(until, certificate.not_after());
  return until;
}

}  // namespace sotto::attest::nvidia

// Certificates of Intel's attestation at one point in time: PCK chains and signers of collateral.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/tdx/collateral.h"
#include "attest/verify_error.h"
#include "crypto/x509.h"

namespace sotto::attest::tdx {

// Verifies against one set of roots and CRLs at one time, and remembers what expires first. Borrows
// collateral and roots; for one verification, on one thread.
class Trust {
 public:
  // Reads the CRLs, where they are given: a broken one is an error, a missing one is not yet.
  static Verified<Trust> make(const Collateral& collateral, const Roots& roots, int64_t time);

  // `missing_collateral` unless both CRLs are there.
  Verified<void> need_crls() const;

  // PEM or one DER certificate; a root that comes in front of the others goes behind them.
  Verified<std::vector<crypto::Certificate>> parse_chain(std::string_view what, Bytes bytes) const;

  // The path of a PCK certificate to a pinned root: names, signatures, validity and, as far as CRLs are
  // given, revocation. A root among the certificates must have a pinned key.
  Verified<crypto::Certificate> check_pck_chain(const std::vector<crypto::Certificate>& chain);

  // The issuers of the PCK CRL, where they are given.
  Verified<void> check_crl_issuers();

  // The bytes of a member of the collateral of that name, signed by Intel's TCB signer; needs the
  // root's CRL.
  Verified<std::string_view> check_signed(std::string_view name, std::string_view member,
                                          std::string_view chain_name);

  // `not_yet_valid` or `expired` outside of the two.
  Verified<void> check_window(std::string_view what, int64_t issued, int64_t next_update);

  int64_t time() const { return time_; }
  int64_t valid_until() const { return valid_until_; }

 private:
  Trust(const Collateral& collateral, const Anchors& anchors, int64_t time)
      : collateral_(collateral), anchors_(anchors), time_(time), known_(anchors.roots) {}

  Verified<std::vector<crypto::Certificate>> verify(std::string_view what,
                                                    const std::vector<crypto::Certificate>& chain,
                                                    crypto::CrlCheck crl_check);
  Verified<crypto::PublicKey> signer_key(std::string_view chain_name);
  void note_expiry(int64_t when) { valid_until_ = std::min(valid_until_, when); }

  const Collateral& collateral_;
  const Anchors& anchors_;
  int64_t time_;
  int64_t valid_until_ = INT64_MAX;
  std::vector<crypto::Crl> crls_;
  std::vector<crypto::Certificate> pck_path_;  // verified
  std::vector<crypto::Certificate> known_;     // parsed: the roots and pck_path_
  // The last signer that was verified, and the text of its chain: collateral has the same twice.
  std::vector<uint8_t> signer_chain_;
  std::optional<crypto::PublicKey> signer_;
};

}  // namespace sotto::attest::tdx

// Synthetic TPM quotes: a TPM of our own, and every way in which its evidence can be wrong.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "attest/case_for_testing.h"
#include "attest/tpm/evidence.h"
#include "attest/tpm/public_key.h"
#include "crypto/issue.h"

namespace sotto::attest::tpm {

// TPMS_ATTEST by its fields.
struct QuoteForTesting {
  uint32_t magic = 0xff544347;
  uint16_t type = 0x8018;
  std::vector<uint8_t> qualified_signer;
  std::vector<uint8_t> extra_data;
  std::vector<std::pair<uint16_t, std::vector<uint8_t>>> selections;  // bank, bits
  std::vector<uint8_t> pcr_digest;
  std::vector<uint8_t> trailing;
};
std::vector<uint8_t> marshal_for_testing(const QuoteForTesting& quote);

// TPMT_SIGNATURE around a raw signature: r and s for ECDSA.
std::vector<uint8_t> marshal_signature_for_testing(Scheme scheme, uint16_t hash, Bytes raw);

// A vendor of virtual TPMs with a root that protects nothing, and keys of one such TPM.
class VendorForTesting {
 public:
  static constexpr int64_t kTime = 1'790'000'000;

  VendorForTesting();
  const crypto::Certificate& root() const { return root_; }
  const crypto::KeyPair& p256() const { return p256_; }
  const crypto::KeyPair& p384() const { return p384_; }
  const crypto::KeyPair& rsa() const { return rsa_; }

  // For the key, valid around kTime.
  crypto::Certificate certify(const crypto::PublicKey& key, int64_t not_before = kTime - 1000,
                              int64_t not_after = kTime + 1000) const;

  // Good evidence: PCRs 0, 4 and 11 of SHA-256, the n-th of bytes n; the nonce of cases.
  QuoteEvidence quote(const crypto::KeyPair& signer, Scheme scheme, uint16_t hash) const;

 private:
  crypto::KeyPair root_key_, p256_, p384_, rsa_;
  crypto::Certificate root_;
};

// Of an RSA key of 2048 bits.
std::vector<uint8_t> modulus_for_testing(const crypto::PublicKey& key);

// TPMT_PUBLIC of a restricted signing key with that scheme.
std::vector<uint8_t> public_area_for_testing(const crypto::PublicKey& key, Scheme scheme,
                                             uint16_t hash, uint32_t attributes = 0x50072);

// What a quote by a primary key of the endorsement hierarchy calls its signer.
std::vector<uint8_t> qualified_signer_for_testing(Bytes public_area);

// What every case's quote must carry.
std::vector<uint8_t> nonce_for_testing();

std::vector<CaseForTesting> make_cases_for_testing(const VendorForTesting& vendor);

}  // namespace sotto::attest::tpm

// Keys, signatures, certificates and CRLs for synthetic evidence: what vendors do, under roots that
// protect nothing. Never for anything but tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/signature.h"
#include "crypto/x509.h"

namespace sotto::crypto {

// A fresh key pair; copies share it. Any failure is a CHECK.
class SignerForTesting {
 public:
  explicit SignerForTesting(KeyType type, uint32_t rsa_bits = 2048);

  const PublicKey& public_key() const { return public_key_; }
  std::vector<uint8_t> sign(SignatureScheme scheme, HashAlgorithm hash, Bytes message) const;

  EVP_PKEY* pair() const { return pair_.get(); }  // for crypto/ itself

 private:
  explicit SignerForTesting(EVP_PKEY* pair);

  std::shared_ptr<EVP_PKEY> pair_;
  PublicKey public_key_;
};

struct ExtensionForTesting {
  std::string oid;
  std::vector<uint8_t> value;  // what goes inside extnValue
  bool critical = false;
};

struct CertificateForTesting {
  std::string common_name;  // beside O=Sotto Test
  uint64_t serial = 1;
  int64_t not_before = 0;  // Unix seconds
  int64_t not_after = 0;
  bool is_ca = false;
  std::optional<uint32_t> path_length = {};
  std::optional<uint32_t> key_usage = {};  // bits of x509.h
  std::vector<ExtensionForTesting> extensions = {};
  bool key_identifiers = true;                 // subject's and authority's
  HashAlgorithm hash = HashAlgorithm::sha256;  // of the signature
  bool pss = false;                            // for RSA issuers
};

// Signed by itself when `issuer` is null; `signer` must then have `key`.
Certificate issue_for_testing(const CertificateForTesting& what, const PublicKey& key,
                              const Certificate* issuer, const SignerForTesting& signer);

struct CrlForTesting {
  int64_t this_update = 0;  // Unix seconds
  int64_t next_update = 0;
  std::vector<uint64_t> revoked_serials = {};
  uint64_t number = 1;
};
// DER.
std::vector<uint8_t> issue_crl_for_testing(const CrlForTesting& what, const Certificate& issuer,
                                           const SignerForTesting& signer);

std::string pem_for_testing(const std::vector<Certificate>& certificates);

}  // namespace sotto::crypto

// Key pairs, and the certificates and CRLs that are signed with them: the node's own, the simulated
// TEE's, and those of tests that play a vendor.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/signature.h"
#include "crypto/x509.h"

namespace sotto::crypto {

// A fresh key pair; copies share it. Any failure is a CHECK.
class KeyPair {
 public:
  explicit KeyPair(KeyType type, uint32_t rsa_bits = 2048);
  // The private key itself, 1 to the curve's order, big endian; a CHECK for any other.
  static KeyPair from_p256_scalar(const std::array<uint8_t, 32>& scalar);

  const PublicKey& public_key() const { return public_key_; }
  std::vector<uint8_t> sign(SignatureScheme scheme, HashAlgorithm hash, Bytes message) const;

  EVP_PKEY* pair() const { return pair_.get(); }  // for crypto/ itself

 private:
  explicit KeyPair(EVP_PKEY* pair);

  std::shared_ptr<EVP_PKEY> pair_;
  PublicKey public_key_;
};

struct ExtensionSpec {
  std::string oid;
  std::vector<uint8_t> value;  // what goes inside extnValue
  bool critical = false;
};

struct CertificateSpec {
  std::string common_name;
  std::string organization = "Sotto Test";
  uint64_t serial = 1;
  int64_t not_before = 0;  // Unix seconds
  int64_t not_after = 0;
  bool is_ca = false;
  std::optional<uint32_t> path_length = {};
  std::optional<uint32_t> key_usage = {};  // bits of x509.h
  std::vector<ExtensionSpec> extensions = {};
  bool key_identifiers = true;                 // subject's and authority's
  HashAlgorithm hash = HashAlgorithm::sha256;  // of the signature
  bool pss = false;                            // for RSA issuers
};

// Signed by itself when `issuer` is null; `signer` must then have `key`.
Certificate issue_certificate(const CertificateSpec& what, const PublicKey& key,
                              const Certificate* issuer, const KeyPair& signer);

struct CrlSpec {
  int64_t this_update = 0;  // Unix seconds
  int64_t next_update = 0;
  std::vector<uint64_t> revoked_serials = {};
  uint64_t number = 1;
};
// DER.
std::vector<uint8_t> issue_crl(const CrlSpec& what, const Certificate& issuer,
                               const KeyPair& signer);

std::string pem_of(const std::vector<Certificate>& certificates);
// PKCS#8: for files that an operator makes, and for tests.
std::string private_key_pem(const KeyPair& key);

}  // namespace sotto::crypto

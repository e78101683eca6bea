// AMD played for tests: its keys and certificates of one product, and reports that they sign. They
// protect nothing.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/snp/report.h"
#include "crypto/issue.h"

namespace sotto::attest::snp {

// What a key's certificate says; as made, that which belongs to report().
struct EndorsementForTesting {
  SigningKey kind = SigningKey::vcek;
  std::string common_name = {};   // empty: by kind
  std::string product_name = {};  // empty: the signer's
  TcbBytes tcb{};
  std::vector<uint8_t> hwid = {};
  bool wrap_hwid = true;  // in a DER string, as certificates since 2024 have it
  std::string csp_id = "CN=test";
  std::optional<int64_t> not_before = {};
  std::optional<int64_t> not_after = {};
  std::string extension_left_out = {};                     // by dotted OID
  std::optional<std::vector<uint8_t>> microcode_der = {};  // instead of the right value
  bool issued_by_the_other = false;                        // ASVK for a VCEK, ASK for a VLEK
};

class SignerForTesting {
 public:
  explicit SignerForTesting(Product product, uint32_t rsa_bits = 2048);

  static constexpr int64_t kTime = 1'750'000'000;  // everything is valid then

  Product product() const { return product_; }
  const crypto::Certificate& ark() const { return ark_; }
  const crypto::Certificate& intermediate(SigningKey kind) const;
  // Only its ARK, with ASK and ASVK at hand.
  Roots roots() const;

  // A report of version 3 (Turin: 5) that passes every rule once it is signed.
  std::vector<uint8_t> report(SigningKey kind = SigningKey::vcek) const;
  // What belongs to such a report.
  EndorsementForTesting endorsement(SigningKey kind = SigningKey::vcek) const;

  crypto::Certificate issue(const EndorsementForTesting& what) const;
  // For any key, such as one on another curve.
  crypto::Certificate issue(const EndorsementForTesting& what, const crypto::PublicKey& key) const;
  // Puts the signature into the report's place for it.
  void sign(std::vector<uint8_t>& report) const;
  std::vector<uint8_t> revocation_list(std::vector<uint64_t> serials, int64_t next_update) const;

 private:
  Product product_;
  crypto::KeyPair ark_key_;
  crypto::KeyPair ask_key_;
  crypto::KeyPair asvk_key_;
  crypto::KeyPair report_key_;
  crypto::Certificate ark_;
  crypto::Certificate ask_;
  crypto::Certificate asvk_;
};

}  // namespace sotto::attest::snp

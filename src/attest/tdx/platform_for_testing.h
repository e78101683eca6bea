// A platform of our own making: quotes in the real format, with all their certificates and collateral,
// under a root that protects nothing. Every field can be spoilt before they are made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "attest/roots.h"
#include "attest/tdx/collateral.h"
#include "attest/tdx/pck.h"
#include "attest/tdx/quote.h"
#include "crypto/signer_for_testing.h"

namespace sotto::attest::tdx {

// Good as it is made: TDX, up to date at `time`. Making keys takes milliseconds; copies share them.
struct PlatformForTesting {
  explicit PlatformForTesting(TeeType tee = TeeType::tdx, uint16_t quote_version = 4);

  static constexpr int64_t kTime = 1'750'000'000;

  crypto::SignerForTesting root_key{crypto::KeyType::ec_p256};
  crypto::SignerForTesting ca_key{crypto::KeyType::ec_p256};
  crypto::SignerForTesting pck_key{crypto::KeyType::ec_p256};
  crypto::SignerForTesting tcb_key{crypto::KeyType::ec_p256};
  crypto::SignerForTesting attestation_key{crypto::KeyType::ec_p256};
  crypto::CertificateForTesting root_spec;
  crypto::CertificateForTesting ca_spec;
  crypto::CertificateForTesting pck_spec;  // the extension is added from `pck`
  crypto::CertificateForTesting tcb_spec;
  crypto::CrlForTesting root_crl;
  crypto::CrlForTesting pck_crl;
  PckPlatform pck;
  bool pck_has_extension = true;

  TcbInfo info;
  std::optional<std::string> info_id;  // instead of the TEE's name
  EnclaveIdentity identity;
  uint32_t identity_version = 2;

  uint16_t quote_version;
  Field<16> qe_vendor_id{};
  TdReport td;            // of a TDX platform
  EnclaveReport enclave;  // of an SGX platform
  EnclaveReport qe;       // its report data is made from the key and the authentication data
  std::vector<uint8_t> qe_authentication_data;

  // What signs, where it is not what should.
  std::optional<crypto::SignerForTesting> qe_report_signer;
  std::optional<crypto::SignerForTesting> quote_signer;
  std::optional<crypto::SignerForTesting> info_signer;
  std::optional<Field<64>> attestation_key_bytes;

  struct Made {
    std::vector<uint8_t> quote;
    Collateral collateral;
    Roots roots;
  };
  Made make() const;
};

}  // namespace sotto::attest::tdx

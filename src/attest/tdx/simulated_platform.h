// A platform of our own making: quotes in the real format, with all their certificates and collateral,
// under a root that protects nothing. The simulated TEE is one, and tests spoil each field of it.
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
#include "crypto/issue.h"

namespace sotto::attest::tdx {

// Good as it is made: TDX, up to date at `time`. Making keys takes milliseconds; copies share them.
struct SimulatedPlatform {
  explicit SimulatedPlatform(TeeType tee = TeeType::tdx, uint16_t quote_version = 4,
                             int64_t time = kTime);

  static constexpr int64_t kTime = 1'750'000'000;
  int64_t time;  // Unix seconds

  crypto::KeyPair root_key{crypto::KeyType::ec_p256};
  crypto::KeyPair ca_key{crypto::KeyType::ec_p256};
  crypto::KeyPair pck_key{crypto::KeyType::ec_p256};
  crypto::KeyPair tcb_key{crypto::KeyType::ec_p256};
  crypto::KeyPair attestation_key{crypto::KeyType::ec_p256};
  crypto::CertificateSpec root_spec;
  std::optional<crypto::Certificate> given_root;  // of root_key, instead of one made by root_spec
  crypto::CertificateSpec ca_spec;
  crypto::CertificateSpec pck_spec;  // the extension is added from `pck`
  crypto::CertificateSpec tcb_spec;
  crypto::CrlSpec root_crl;
  crypto::CrlSpec pck_crl;
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
  std::optional<crypto::KeyPair> qe_report_signer;
  std::optional<crypto::KeyPair> quote_signer;
  std::optional<crypto::KeyPair> info_signer;
  std::optional<Field<64>> attestation_key_bytes;

  struct Made {
    std::vector<uint8_t> quote;
    Collateral collateral;
    Roots roots;
  };
  Made make() const;
};

}  // namespace sotto::attest::tdx

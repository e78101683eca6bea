// Any bytes as an answer about a certificate: nobody but its issuer gives one.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "crypto/ocsp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sotto;
  using namespace sotto::crypto;
  constexpr int64_t kTime = 1'750'000'000;
  static const KeyPair key(KeyType::ec_p256);
  static const Certificate issuer = [] {
    CertificateSpec spec;
    spec.common_name = "issuer";
    spec.not_after = 2 * kTime;
    spec.is_ca = true;
    return issue_certificate(spec, key.public_key(), nullptr, key);
  }();
  static const Certificate leaf = [] {
    CertificateSpec spec;
    spec.common_name = "leaf";
    spec.not_after = 2 * kTime;
    return issue_certificate(spec, key.public_key(), &issuer, key);
  }();
  (void)read_ocsp_unverified({data, size}, leaf, issuer);
  CHECK(!read_ocsp({data, size}, leaf, issuer, {issuer}, kTime));
  return 0;
}

// OpenSSL's CMS, the other way round.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/signed_data_for_testing.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>

#include "base/check.h"
#include "crypto/openssl_digest.h"

namespace sotto::crypto {

std::vector<uint8_t> sign_data_for_testing(Bytes content, const Certificate& certificate,
                                           const KeyPair& signer,
                                           const std::vector<Certificate>& others,
                                           HashAlgorithm hash) {
  constexpr unsigned kFlags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP;
  BIO* in = BIO_new_mem_buf(content.data(), static_cast<int>(content.size()));
  CMS_ContentInfo* message = CMS_sign(nullptr, nullptr, nullptr, nullptr, kFlags);
  CHECK(in != nullptr && message != nullptr);
  CHECK(CMS_add1_signer(message, certificate.get(), signer.pair(), openssl_digest(hash), kFlags) !=
        nullptr);
  for (const Certificate& other : others) CHECK(CMS_add1_cert(message, other.get()) == 1);
  CHECK(CMS_final(message, in, nullptr, kFlags) == 1);
  unsigned char* der = nullptr;
  const int size = i2d_CMS_ContentInfo(message, &der);
  CHECK(size > 0);
  std::vector<uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  CMS_ContentInfo_free(message);
  BIO_free(in);
  return bytes;
}

}  // namespace sotto::crypto

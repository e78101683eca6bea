// OpenSSL's CMS.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/signed_data.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/free_by.h"

namespace sotto::crypto {
namespace {

using Message = std::unique_ptr<CMS_ContentInfo, FreeBy<CMS_ContentInfo_free>>;
using Stream = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;

struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_pop_free(stack, X509_free); }
};
using CertificateStack = std::unique_ptr<STACK_OF(X509), FreeStack>;

std::unexpected<Error> refused(ErrorKind kind, std::string_view what) {
  ERR_clear_error();
  return fail(kind, "signed data: {}", what);
}

Result<Certificate> copy_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return refused(ErrorKind::malformed, "a certificate that cannot be encoded");
  auto copy = Certificate::from_der({der, static_cast<size_t>(size)});
  OPENSSL_free(der);
  return copy;
}

// Only digests that a signature may be over; some signers name the signature's algorithm there.
bool is_accepted(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  switch (OBJ_obj2nid(object)) {
    case NID_sha256:
    case NID_sha384:
    case NID_sha512:
    case NID_sha256WithRSAEncryption:
    case NID_sha384WithRSAEncryption:
    case NID_sha512WithRSAEncryption:
      return true;
    default:
      return false;
  }
}

Result<Message> parse(Bytes der) {
  if (der.size() > kSignedDataBytesMax) {
    return fail(ErrorKind::exhausted, "signed data of {} bytes, more than {}", der.size(),
                kSignedDataBytesMax);
  }
  const unsigned char* at = der.data();
  Message message(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size())));
  if (message == nullptr || at != der.data() + der.size()) {
    return refused(ErrorKind::malformed, "not one PKCS#7 structure in DER");
  }
  if (OBJ_obj2nid(CMS_get0_type(message.get())) != NID_pkcs7_signed) {
    return refused(ErrorKind::malformed, "a PKCS#7 structure of another type");
  }
  if (CMS_is_detached(message.get()) != 0) {
    return refused(ErrorKind::malformed, "its contents are not inside");
  }
  return message;
}

// The one signer's certificate, found among those inside.
Result<X509*> find_signer(CMS_ContentInfo* message, STACK_OF(X509) * certificates) {
  STACK_OF(CMS_SignerInfo)* signers = CMS_get0_SignerInfos(message);
  if (sk_CMS_SignerInfo_num(signers) != 1) {
    return refused(ErrorKind::malformed, "not exactly one signer");
  }
  CMS_SignerInfo* signer = sk_CMS_SignerInfo_value(signers, 0);
  X509_ALGOR* digest = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &digest, nullptr);
  if (!is_accepted(digest)) {
    return refused(ErrorKind::unsupported, "its digest is not SHA-256, SHA-384 or SHA-512");
  }
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    X509* certificate = sk_X509_value(certificates, i);
    if (CMS_SignerInfo_cert_cmp(signer, certificate) == 0) return certificate;
  }
  return refused(ErrorKind::unavailable, "its signer's certificate is not inside");
}

Result<std::vector<uint8_t>> check(CMS_ContentInfo* message) {
  const Stream out(BIO_new(BIO_s_mem()));
  CHECK(out != nullptr);
  constexpr unsigned kFlags = CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY;
  if (CMS_verify(message, nullptr, nullptr, nullptr, out.get(), kFlags) != 1) {
    return refused(ErrorKind::untrusted, "its signature is not the signer's");
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::vector<uint8_t>(data, data + size);
}

}  // namespace

Result<SignedData> open_signed_data(Bytes der) {
  const Message message = TRY(parse(der));
  const CertificateStack inside(CMS_get1_certs(message.get()));
  if (inside == nullptr) return refused(ErrorKind::unavailable, "no certificate is inside");
  if (sk_X509_num(inside.get()) > static_cast<int>(kChainCertificatesMax)) {
    return refused(ErrorKind::exhausted, "too many certificates are inside");
  }
  X509* signer = TRY(find_signer(message.get(), inside.get()));
  std::vector<uint8_t> content = TRY(check(message.get()));
  std::vector<Certificate> certificates;
  for (int i = 0; i < sk_X509_num(inside.get()); ++i) {
    certificates.push_back(TRY(copy_of(sk_X509_value(inside.get(), i))));
  }
  return SignedData{std::move(content), TRY(copy_of(signer)), std::move(certificates)};
}

}  // namespace sotto::crypto

// OpenSSL's OCSP, at a given time.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include <memory>

#include "base/check.h"

namespace sotto::crypto {
namespace {

struct Free {
  void operator()(OCSP_REQUEST* request) const { OCSP_REQUEST_free(request); }
  void operator()(OCSP_RESPONSE* response) const { OCSP_RESPONSE_free(response); }
  void operator()(OCSP_BASICRESP* response) const { OCSP_BASICRESP_free(response); }
  void operator()(OCSP_CERTID* id) const { OCSP_CERTID_free(id); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  // The certificates stay with their owners.
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<OCSP_CERTID> id_of(const Certificate& certificate, const Certificate& issuer,
                         const EVP_MD* hash) {
  Owned<OCSP_CERTID> id(OCSP_cert_to_id(hash, certificate.get(), issuer.get()));
  CHECK(id != nullptr);
  return id;
}

template <class T>
std::vector<uint8_t> der_of(T* object, int (*write)(const T*, unsigned char**)) {
  uint8_t* der = nullptr;
  const int size = write(object, &der);
  CHECK(size > 0);
  std::vector<uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

Result<int64_t> seconds_of(const ASN1_GENERALIZEDTIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return fail(ErrorKind::malformed, "OCSP: a time that is none");
  }
  return static_cast<int64_t>(timegm(&parts));
}

Result<Owned<OCSP_BASICRESP>> open_response(Bytes bytes) {
  if (bytes.size() > kOcspBytesMax) {
    return fail(ErrorKind::exhausted, "OCSP: {} bytes; at most {}", bytes.size(), kOcspBytesMax);
  }
  const uint8_t* at = bytes.data();
  const Owned<OCSP_RESPONSE> response(
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(bytes.size())));
  ERR_clear_error();
  if (response == nullptr || at != bytes.data() + bytes.size()) {
    return fail(ErrorKind::malformed, "OCSP: no response");
  }
  if (const int status = OCSP_response_status(response.get());
      status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return fail(ErrorKind::unsupported, "OCSP: the responder refuses, with status {}", status);
  }
  Owned<OCSP_BASICRESP> basic(OCSP_response_get1_basic(response.get()));
  ERR_clear_error();
  if (basic == nullptr) return fail(ErrorKind::malformed, "OCSP: no basic response");
  return basic;
}

Result<OcspAnswer> find_answer(OCSP_BASICRESP* basic, const Certificate& certificate,
                               const Certificate& issuer) {
  int status = 0;
  int reason = 0;
  ASN1_GENERALIZEDTIME* revoked_at = nullptr;
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* until = nullptr;
  bool found = false;
  for (const EVP_MD* hash : {EVP_sha1(), EVP_sha256(), EVP_sha384()}) {
    const Owned<OCSP_CERTID> id = id_of(certificate, issuer, hash);
    found =
        OCSP_resp_find_status(basic, id.get(), &status, &reason, &revoked_at, &from, &until) == 1;
    if (found) break;
  }
  if (!found || status == V_OCSP_CERTSTATUS_UNKNOWN || from == nullptr) {
    return fail(ErrorKind::untrusted, "OCSP: the response does not know this certificate");
  }
  OcspAnswer answer;
  answer.revoked = status == V_OCSP_CERTSTATUS_REVOKED;
  answer.this_update = TRY(seconds_of(from));
  if (until != nullptr) answer.next_update = TRY(seconds_of(until));
  return answer;
}

}  // namespace

std::vector<uint8_t> ocsp_request(const Certificate& certificate, const Certificate& issuer) {
  const Owned<OCSP_REQUEST> request(OCSP_REQUEST_new());
  CHECK(request != nullptr);
  // Responders know SHA-1 identifiers first of all; nothing is signed with them.
  CHECK(OCSP_request_add0_id(request.get(), id_of(certificate, issuer, EVP_sha1()).release()) !=
        nullptr);
  return der_of(request.get(), i2d_OCSP_REQUEST);
}

Result<OcspAnswer> read_ocsp(Bytes bytes, const Certificate& certificate, const Certificate& issuer,
                             const std::vector<Certificate>& roots, int64_t time) {
  const Owned<OCSP_BASICRESP> basic = TRY(open_response(bytes));
  const Owned<X509_STORE> store(X509_STORE_new());
  const Owned<STACK_OF(X509)> known(sk_X509_new_null());
  CHECK(store != nullptr && known != nullptr);
  for (const Certificate& root : roots) CHECK(X509_STORE_add_cert(store.get(), root.get()) == 1);
  CHECK(sk_X509_push(known.get(), issuer.get()) > 0);
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()), time);
  // Signed by the issuer, or by a certificate that it issued for signing these.
  const bool good = OCSP_basic_verify(basic.get(), known.get(), store.get(), 0) == 1;
  ERR_clear_error();
  if (!good)
    return fail(ErrorKind::untrusted, "OCSP: the response's signature is nobody's who may");
  return find_answer(basic.get(), certificate, issuer);
}

Result<OcspAnswer> read_ocsp_unverified(Bytes bytes, const Certificate& certificate,
                                        const Certificate& issuer) {
  const Owned<OCSP_BASICRESP> basic = TRY(open_response(bytes));
  return find_answer(basic.get(), certificate, issuer);
}

std::vector<uint8_t> make_ocsp_for_testing(const Certificate& certificate,
                                           const Certificate& issuer,
                                           const Certificate& signer_certificate,
                                           const KeyPair& signer, bool revoked, int64_t this_update,
                                           int64_t next_update) {
  const Owned<OCSP_BASICRESP> basic(OCSP_BASICRESP_new());
  CHECK(basic != nullptr);
  const auto time_of = [](int64_t seconds) {
    return std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)>(
        ASN1_GENERALIZEDTIME_set(nullptr, seconds), ASN1_TIME_free);
  };
  const auto from = time_of(this_update);
  const auto until = time_of(next_update);
  CHECK(OCSP_basic_add1_status(basic.get(), id_of(certificate, issuer, EVP_sha1()).get(),
                               revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD,
                               revoked ? OCSP_REVOKED_STATUS_KEYCOMPROMISE : 0,
                               revoked ? from.get() : nullptr, from.get(), until.get()) != nullptr);
  CHECK(OCSP_basic_sign(basic.get(), signer_certificate.get(), signer.pair(), EVP_sha384(), nullptr,
                        0) == 1);
  const Owned<OCSP_RESPONSE> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  CHECK(response != nullptr);
  return der_of(response.get(), i2d_OCSP_RESPONSE);
}

}  // namespace sotto::crypto

// Parsing certificates and revocation lists with OpenSSL, and what is in them.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/x509.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "base/check.h"
#include "base/text_encoding.h"
#include "crypto/pem.h"

namespace sotto::crypto {
namespace {

std::unexpected<Error> malformed(std::string_view what) {
  ERR_clear_error();
  return fail(ErrorKind::malformed, "{}", what);
}

std::string text_of(const X509_NAME* name) {
  BIO* bio = BIO_new(BIO_s_mem());
  CHECK(bio != nullptr);
  X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

std::optional<int64_t> unix_time_of(const ASN1_TIME* time) {
  tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return timegm(&parts);
}

std::vector<uint8_t> bytes_of(const ASN1_STRING* text) {
  const uint8_t* data = ASN1_STRING_get0_data(text);
  return {data, data + ASN1_STRING_length(text)};
}

// What OpenSSL read, written again: equal only for DER, where it reads more than that.
template <class T>
bool is_der_of(T* object, int (*write)(const T*, unsigned char**), Bytes der) {
  uint8_t* again = nullptr;
  const int size = write(object, &again);
  const bool equal =
      size > 0 && std::equal(der.begin(), der.end(), again, again + static_cast<size_t>(size));
  OPENSSL_free(again);
  return equal;
}

std::string_view view_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<Certificate> Certificate::from_der(Bytes der) {
  if (der.size() > kCertificateBytesMax) {
    return fail(ErrorKind::exhausted, "a certificate of {} bytes; at most {}", der.size(),
                kCertificateBytesMax);
  }
  const uint8_t* at = der.data();
  Certificate result;
  result.x509_.reset(d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free);
  if (result.x509_ == nullptr) return malformed("no X.509 certificate");
  X509* x509 = result.get();
  if (at != der.data() + der.size() || !is_der_of<X509>(x509, i2d_X509, der)) {
    return malformed("an X.509 certificate that is not DER, or bytes after it");
  }
  if (!unix_time_of(X509_get0_notBefore(x509)) || !unix_time_of(X509_get0_notAfter(x509))) {
    return malformed("a certificate whose validity is no time");
  }
  // Makes OpenSSL look at the extensions that it knows; one that it cannot read is not ignored.
  if ((X509_get_extension_flags(x509) & (EXFLAG_INVALID | EXFLAG_INVALID_POLICY)) != 0) {
    return malformed("a certificate with an extension that does not follow its format");
  }
  ERR_clear_error();
  result.der_ = std::make_shared<const std::vector<uint8_t>>(der.begin(), der.end());
  result.fingerprint_ = sha256(der);
  return result;
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
  const std::vector<std::vector<uint8_t>> blocks = TRY(parse_pem(pem, "CERTIFICATE", 1));
  return from_der(blocks[0]);
}

std::string Certificate::subject() const {
  return text_of(X509_get_subject_name(get()));
}

std::string Certificate::issuer() const {
  return text_of(X509_get_issuer_name(get()));
}

std::string Certificate::subject_common_name() const {
  const X509_NAME* name = X509_get_subject_name(get());
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0) return "";
  uint8_t* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
  if (size < 0) return "";
  std::string text(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

bool Certificate::self_issued() const {
  return X509_NAME_cmp(X509_get_subject_name(get()), X509_get_issuer_name(get())) == 0;
}

bool Certificate::self_signed() const {
  if (!self_issued()) return false;
  EVP_PKEY* key = X509_get0_pubkey(get());
  const bool verified = key != nullptr && X509_verify(get(), key) == 1;
  ERR_clear_error();
  return verified;
}

std::vector<uint8_t> Certificate::serial() const {
  return bytes_of(X509_get0_serialNumber(get()));
}

int64_t Certificate::not_before() const {
  return unix_time_of(X509_get0_notBefore(get())).value();
}

int64_t Certificate::not_after() const {
  return unix_time_of(X509_get0_notAfter(get())).value();
}

Result<PublicKey> Certificate::public_key() const {
  EVP_PKEY* key = X509_get_pubkey(get());
  if (key == nullptr) return malformed("a certificate without a readable public key");
  return PublicKey::adopt(key);
}

std::vector<uint8_t> Certificate::spki() const {
  uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(get()), &der);
  CHECK(size > 0);
  std::vector<uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

Result<std::optional<std::vector<uint8_t>>> Certificate::extension(std::string_view oid) const {
  ASN1_OBJECT* object = OBJ_txt2obj(std::string(oid).c_str(), 1);
  CHECK(object != nullptr);
  const int index = X509_get_ext_by_OBJ(get(), object, -1);
  const int second = index < 0 ? -1 : X509_get_ext_by_OBJ(get(), object, index);
  ASN1_OBJECT_free(object);
  if (index < 0) return std::optional<std::vector<uint8_t>>();
  if (second >= 0) return fail(ErrorKind::malformed, "extension {} is there twice", oid);
  return std::optional(bytes_of(X509_EXTENSION_get_data(X509_get_ext(get(), index))));
}

bool Certificate::is_ca() const {
  return (X509_get_extension_flags(get()) & (EXFLAG_BCONS | EXFLAG_CA)) ==
         (EXFLAG_BCONS | EXFLAG_CA);
}

std::optional<uint32_t> Certificate::path_length() const {
  const long length = X509_get_pathlen(get());
  if (length < 0) return std::nullopt;
  return static_cast<uint32_t>(length);
}

std::optional<uint32_t> Certificate::key_usage() const {
  if ((X509_get_extension_flags(get()) & EXFLAG_KUSAGE) == 0) return std::nullopt;
  return X509_get_key_usage(get());
}

Result<std::vector<Certificate>> parse_pem_chain(std::string_view pem, size_t count_max,
                                                 const std::vector<Certificate>& known) {
  std::vector<Certificate> chain;
  for (const std::vector<uint8_t>& der : TRY(parse_pem(pem, "CERTIFICATE", count_max))) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const Certificate& one) {
      return std::equal(der.begin(), der.end(), one.der().begin(), one.der().end());
    });
    if (same != known.end()) {
      chain.push_back(*same);
      continue;
    }
    Result<Certificate> certificate = Certificate::from_der(der);
    if (!certificate) {
      return within(fmt::format("certificate {}", chain.size() + 1), certificate.error());
    }
    chain.push_back(std::move(*certificate));
  }
  return chain;
}

Result<std::vector<Certificate>> parse_certificates(Bytes bytes, size_t count_max,
                                                    const std::vector<Certificate>& known) {
  if (looks_like_pem(bytes)) return parse_pem_chain(view_of(bytes), count_max, known);
  return std::vector<Certificate>{TRY(Certificate::from_der(bytes))};
}

Result<Crl> Crl::from_der(Bytes der) {
  if (der.size() > kCrlBytesMax) {
    return fail(ErrorKind::exhausted, "a CRL of {} bytes; at most {}", der.size(), kCrlBytesMax);
  }
  const uint8_t* at = der.data();
  Crl result;
  result.crl_.reset(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())), X509_CRL_free);
  if (result.crl_ == nullptr) return malformed("no X.509 CRL");
  X509_CRL* crl = result.get();
  if (at != der.data() + der.size() || !is_der_of<X509_CRL>(crl, i2d_X509_CRL, der)) {
    return malformed("a CRL that is not DER, or bytes after it");
  }
  const ASN1_TIME* next = X509_CRL_get0_nextUpdate(crl);
  if (!unix_time_of(X509_CRL_get0_lastUpdate(crl)) || (next != nullptr && !unix_time_of(next))) {
    return malformed("a CRL whose validity is no time");
  }
  return result;
}

Result<Crl> Crl::from_pem(std::string_view pem) {
  const std::vector<std::vector<uint8_t>> blocks = TRY(parse_pem(pem, "X509 CRL", 1));
  return from_der(blocks[0]);
}

Result<Crl> Crl::parse(Bytes bytes) {
  if (looks_like_pem(bytes)) return from_pem(view_of(bytes));
  // DER begins with a SEQUENCE's 0x30, which is also the digit 0, but hexadecimal of it begins "30".
  if (bytes.size() >= 2 && bytes[0] == '3' && bytes[1] == '0' && bytes.size() % 2 == 0) {
    if (Result<std::vector<uint8_t>> der = bytes_of_hex(view_of(bytes)); der) return from_der(*der);
  }
  return from_der(bytes);
}

std::string Crl::issuer() const {
  return text_of(X509_CRL_get_issuer(get()));
}

int64_t Crl::this_update() const {
  return unix_time_of(X509_CRL_get0_lastUpdate(get())).value();
}

std::optional<int64_t> Crl::next_update() const {
  return unix_time_of(X509_CRL_get0_nextUpdate(get()));
}

std::vector<uint8_t> Crl::number() const {
  void* number = X509_CRL_get_ext_d2i(get(), NID_crl_number, nullptr, nullptr);
  if (number == nullptr) return {};
  std::vector<uint8_t> bytes = bytes_of(static_cast<ASN1_INTEGER*>(number));
  ASN1_INTEGER_free(static_cast<ASN1_INTEGER*>(number));
  return bytes;
}

size_t Crl::revoked_count() const {
  const int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(get()));
  return count < 0 ? 0 : static_cast<size_t>(count);
}

bool Crl::revokes(const Certificate& certificate) const {
  X509_REVOKED* entry = nullptr;
  return X509_CRL_get0_by_cert(get(), &entry, certificate.get()) == 1;
}

}  // namespace sotto::crypto

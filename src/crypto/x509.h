// X.509 certificates and revocation lists, strictly parsed, and paths to roots that the caller pins
// [RFC5280].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/sha256.h"
#include "crypto/signature.h"

// OpenSSL's own forward declarations, so that its headers stay inside crypto/.
typedef struct x509_st X509;          // NOLINT(modernize-use-using)
typedef struct X509_crl_st X509_CRL;  // NOLINT(modernize-use-using)

namespace sotto::crypto {

inline constexpr uint64_t kCertificateBytesMax = 16 << 10;
inline constexpr uint64_t kCrlBytesMax = 4 << 20;
inline constexpr uint64_t kPemBytesMax = 8 << 20;
inline constexpr uint64_t kChainCertificatesMax = 16;

// Bits of the key usage extension [RFC5280 §4.2.1.3], as OpenSSL numbers them.
inline constexpr uint32_t kUsageDigitalSignature = 0x80;
inline constexpr uint32_t kUsageCertSign = 0x04;
inline constexpr uint32_t kUsageCrlSign = 0x02;

// Immutable, cheap to copy, usable from any thread.
class Certificate {
 public:
  // Exactly one certificate and not a byte more; `malformed` otherwise.
  static Result<Certificate> from_der(Bytes der);
  // Exactly one CERTIFICATE block, by the rules of parse_pem_chain().
  static Result<Certificate> from_pem(std::string_view pem);

  Bytes der() const { return *der_; }
  const Sha256Digest& fingerprint() const { return fingerprint_; }  // of the DER

  // As RFC 2253 writes them, the most specific part first: "CN=Intel SGX Root CA,O=Intel…".
  std::string subject() const;
  std::string issuer() const;
  std::string subject_common_name() const;  // empty when there is none
  bool self_issued() const;                 // subject and issuer are the same
  bool self_signed() const;                 // self-issued, and its own key verifies its signature

  std::vector<uint8_t> serial() const;  // big endian, without sign byte
  int64_t not_before() const;           // Unix seconds
  int64_t not_after() const;
  Result<PublicKey> public_key() const;  // `unsupported` for kinds that PublicKey does not have
  std::vector<uint8_t> spki() const;     // DER
  // The octets inside extnValue, by dotted OID; nothing when absent, `malformed` when there twice.
  Result<std::optional<std::vector<uint8_t>>> extension(std::string_view oid) const;
  bool is_ca() const;  // by basicConstraints alone
  std::optional<uint32_t> path_length() const;
  std::optional<uint32_t> key_usage() const;

  X509* get() const { return x509_.get(); }  // for crypto/ itself

 private:
  Certificate() = default;
  std::shared_ptr<X509> x509_;
  std::shared_ptr<const std::vector<uint8_t>> der_;
  Sha256Digest fingerprint_{};
};

// All CERTIFICATE blocks in their order, at least one and at most `count_max`. Strict [RFC7468 §3]:
// between and around the blocks only line ends, no other kinds of blocks, and inside them
// the one base64 text of the bytes in lines of at most 76 characters. Zero bytes at the end are
// ignored (quotes and NV indices end in them). Those of `known` that occur are not parsed again, which
// with OpenSSL costs more than a signature does.
Result<std::vector<Certificate>> parse_pem_chain(std::string_view pem,
                                                 size_t count_max = kChainCertificatesMax,
                                                 const std::vector<Certificate>& known = {});
// PEM, recognised by its first line, or one DER certificate.
Result<std::vector<Certificate>> parse_certificates(Bytes bytes,
                                                    size_t count_max = kChainCertificatesMax,
                                                    const std::vector<Certificate>& known = {});

// Immutable, cheap to copy, usable from any thread.
class Crl {
 public:
  static Result<Crl> from_der(Bytes der);
  static Result<Crl> from_pem(std::string_view pem);
  // PEM, recognised by its first line, or DER, or DER in hexadecimal as Intel's service sends it.
  static Result<Crl> parse(Bytes bytes);

  std::string issuer() const;
  int64_t this_update() const;                 // Unix seconds
  std::optional<int64_t> next_update() const;  // nothing: never
  std::vector<uint8_t> number() const;         // big endian; empty when absent
  size_t revoked_count() const;
  bool revokes(const Certificate& certificate) const;  // by serial number alone

  X509_CRL* get() const { return crl_.get(); }  // for crypto/ itself

 private:
  Crl() = default;
  std::shared_ptr<X509_CRL> crl_;
};

// Why a path was not accepted.
enum class ChainFault : uint8_t {
  bad_signature,   // of a certificate, or of a CRL
  unknown_issuer,  // the path does not reach a pinned root
  expired,
  not_yet_valid,
  revoked,
  crl_missing,
  crl_expired,
  crl_not_yet_valid,
  crl_bad_signature,  // or made by somebody who may not
  not_a_ca,           // an issuer whose certificate or key usage does not let it issue
  path_too_long,
  weak_algorithm,       // keys or digests below 112 bits
  unhandled_extension,  // a critical one that OpenSSL does not know
  other,
};
std::string_view to_string(ChainFault fault);

struct ChainError {
  ChainFault fault;
  std::string message;  // names the certificate by its subject
};

enum class CrlCheck : uint8_t {
  none,
  leaf,  // the leaf's issuer must have a CRL
  all,   // every issuer must, the root included
};

struct ChainOptions {
  CrlCheck crl_check = CrlCheck::none;
  // A critical extension that OpenSSL does not know ends the path unless it is named here (dotted).
  std::vector<std::string> critical_extensions_handled = {};
};

// The path from `leaf` to one of `roots`, both included. Only `roots` are trusted: a self-issued
// certificate among `intermediates` is ignored, so that one whose key is pinned passes by the pinned
// certificate. Everything is checked at `time` (Unix seconds): validity of every certificate and CRL,
// signatures, names, basic constraints, key usage of issuers. The leaf may itself be a root. Pure:
// no clock, no files, no globals.
std::expected<std::vector<Certificate>, ChainError> verify_chain(
    const Certificate& leaf, const std::vector<Certificate>& intermediates,
    const std::vector<Certificate>& roots, const std::vector<Crl>& crls, int64_t time,
    const ChainOptions& options = {});

}  // namespace sotto::crypto

// Reading AMD's certificate extensions.
// SPDX-License-Identifier: Apache-2.0
#include "attest/snp/endorsement.h"

#include <algorithm>
#include <string_view>

namespace sotto::attest::snp {
namespace {

constexpr std::string_view kProductName = "1.3.6.1.4.1.3704.1.2";
constexpr std::string_view kHwid = "1.3.6.1.4.1.3704.1.4";
constexpr std::string_view kCspId = "1.3.6.1.4.1.3704.1.5";

// The security version numbers' extensions, in the order of a TCB version's bytes.
using TcbOids = std::array<std::string_view, 8>;
constexpr TcbOids kTcbOids = {"1.3.6.1.4.1.3704.1.3.1", "1.3.6.1.4.1.3704.1.3.2",
                              "1.3.6.1.4.1.3704.1.3.4", "1.3.6.1.4.1.3704.1.3.5",
                              "1.3.6.1.4.1.3704.1.3.6", "1.3.6.1.4.1.3704.1.3.7",
                              "1.3.6.1.4.1.3704.1.3.3", "1.3.6.1.4.1.3704.1.3.8"};
constexpr TcbOids kTcbOidsOfTurin = {"1.3.6.1.4.1.3704.1.3.9", "1.3.6.1.4.1.3704.1.3.1",
                                     "1.3.6.1.4.1.3704.1.3.2", "1.3.6.1.4.1.3704.1.3.3",
                                     "1.3.6.1.4.1.3704.1.3.5", "1.3.6.1.4.1.3704.1.3.6",
                                     "1.3.6.1.4.1.3704.1.3.7", "1.3.6.1.4.1.3704.1.3.8"};

constexpr uint8_t kDerInteger = 0x02;
constexpr uint8_t kDerOctetString = 0x04;
constexpr uint8_t kDerIa5String = 0x16;
constexpr uint64_t kHwidBytes = 64;
constexpr uint64_t kHwidBytesOfTurin = 8;

Result<std::vector<uint8_t>> require(const crypto::Certificate& certificate, std::string_view oid) {
  auto value = TRY(certificate.extension(oid));
  if (!value) return fail(ErrorKind::malformed, "extension {} is missing", oid);
  return std::move(*value);
}

// The content of the one DER value of that type that `der` is, in the short form of lengths.
Result<Bytes> open_der(Bytes der, uint8_t type, std::string_view oid) {
  if (der.size() < 2 || der[0] != type || der[1] > 0x7f || der[1] != der.size() - 2) {
    return fail(ErrorKind::malformed, "extension {} is not one value of DER type {:#04x}", oid,
                type);
  }
  return der.subspan(2);
}

Result<uint8_t> read_version_number(const crypto::Certificate& certificate, std::string_view oid) {
  const auto der = TRY(require(certificate, oid));
  const Bytes number = TRY(open_der(der, kDerInteger, oid));
  if (number.size() == 1 && number[0] < 0x80) return number[0];
  if (number.size() == 2 && number[0] == 0 && number[1] >= 0x80) return number[1];
  return fail(ErrorKind::malformed, "extension {} is no number from 0 to 255", oid);
}

Result<std::string> read_text(const crypto::Certificate& certificate, std::string_view oid) {
  const auto der = TRY(require(certificate, oid));
  const Bytes text = TRY(open_der(der, kDerIa5String, oid));
  if (!std::ranges::all_of(text, [](uint8_t c) { return c >= ' ' && c <= '~'; })) {
    return fail(ErrorKind::malformed, "extension {} is not printable", oid);
  }
  return std::string(text.begin(), text.end());
}

// "Milan-B0", "Genoa", …: the name, and perhaps a stepping.
Result<Product> read_product(const crypto::Certificate& certificate) {
  const std::string text = TRY(read_text(certificate, kProductName));
  const std::string_view name = std::string_view(text).substr(0, text.find('-'));
  if (name == "Milan") return Product::milan;
  if (name == "Genoa" || name == "Siena" || name == "Bergamo") return Product::genoa;
  if (name == "Turin") return Product::turin;
  return fail(ErrorKind::unsupported, "product '{}' is none of Milan, Genoa and Turin", text);
}

// Certificates made before 2024 hold the bare bytes, later ones a DER string of them.
Result<std::vector<uint8_t>> read_hwid(const crypto::Certificate& certificate, Product product) {
  const uint64_t bytes = product == Product::turin ? kHwidBytesOfTurin : kHwidBytes;
  auto value = TRY(require(certificate, kHwid));
  if (value.size() == bytes) return value;
  const Bytes inner = TRY(open_der(value, kDerOctetString, kHwid));
  if (inner.size() != bytes) {
    return fail(ErrorKind::malformed, "HWID has {} bytes, not {}", inner.size(), bytes);
  }
  return std::vector<uint8_t>(inner.begin(), inner.end());
}

Result<EndorsementUnverified> read_endorsement(const crypto::Certificate& certificate) {
  EndorsementUnverified endorsement;
  const std::string name = certificate.subject_common_name();
  if (name != kVcekName && name != kVlekName) {
    return fail(ErrorKind::malformed, "its common name is neither '{}' nor '{}'", kVcekName,
                kVlekName);
  }
  endorsement.kind = name == kVcekName ? SigningKey::vcek : SigningKey::vlek;
  endorsement.product = TRY(read_product(certificate));
  const TcbOids& oids = endorsement.product == Product::turin ? kTcbOidsOfTurin : kTcbOids;
  for (size_t i = 0; i < oids.size(); ++i) {
    endorsement.tcb[i] = TRY(read_version_number(certificate, oids[i]));
  }
  if (endorsement.kind == SigningKey::vcek) {
    endorsement.hwid = TRY(read_hwid(certificate, endorsement.product));
  } else {
    endorsement.csp_id = TRY(read_text(certificate, kCspId));
  }
  return endorsement;
}

}  // namespace

Result<EndorsementUnverified> parse_endorsement(const crypto::Certificate& certificate) {
  auto endorsement = read_endorsement(certificate);
  if (!endorsement) {
    return within("certificate of the report's key", std::move(endorsement).error());
  }
  return endorsement;
}

std::optional<crypto::Certificate> find_key_certificate(
    const std::vector<crypto::Certificate>& given) {
  if (given.size() == 1) return given.front();
  const auto names_key = [](const crypto::Certificate& one) {
    const std::string name = one.subject_common_name();
    return name == kVcekName || name == kVlekName;
  };
  if (std::ranges::count_if(given, names_key) != 1) return std::nullopt;
  return *std::ranges::find_if(given, names_key);
}

}  // namespace sotto::attest::snp

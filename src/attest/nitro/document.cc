// Parsing the COSE_Sign1 message and the CBOR map inside it.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nitro/document.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "attest/cbor/cbor.h"
#include "attest/cbor/cose_sign1.h"

namespace sotto::attest::nitro {
namespace {

constexpr uint64_t kSha384Bytes = 48;
constexpr uint64_t kSignatureBytes = 96;
constexpr uint64_t kModuleIdBytesMax = 256;
constexpr uint64_t kTimestampMsMax = 253'402'300'799'999;  // the year 9999's end

constexpr std::string_view kPcrsOfEnclave = "pcrs";
constexpr std::string_view kPcrsOfTpm = "nitrotpm_pcrs";
constexpr std::array<std::string_view, 10> kKeys = {
    "module_id",   "digest",   "timestamp",  kPcrsOfEnclave, kPcrsOfTpm,
    "certificate", "cabundle", "public_key", "user_data",    "nonce"};

Result<cbor::Item> require(const cbor::Item& map, std::string_view key) {
  const auto item = map.find(key);
  if (!item) return fail(ErrorKind::malformed, "field '{}' is missing", key);
  return *item;
}

Result<std::vector<uint8_t>> read_bytes(const cbor::Item& item, std::string_view field,
                                        uint64_t bytes_min, uint64_t bytes_max) {
  const Bytes bytes = TRY(item.bytes(field));
  if (bytes.size() < bytes_min || bytes.size() > bytes_max) {
    return fail(ErrorKind::malformed, "{} has {} bytes, not {} to {}", field, bytes.size(),
                bytes_min, bytes_max);
  }
  return std::vector<uint8_t>(bytes.begin(), bytes.end());
}

// The caller's fields may be null, and libraries that leave null out are followed.
Result<std::optional<std::vector<uint8_t>>> read_optional(const cbor::Item& map,
                                                          std::string_view key) {
  const auto item = map.find(key);
  if (!item || item->type() == cbor::Type::null) return std::nullopt;
  return TRY(read_bytes(*item, key, 0, kCallerBytesMax));
}

Result<void> check_keys(const cbor::Item& map) {
  for (const cbor::Item::Pair& pair : map.pairs()) {
    const std::string_view key = TRY(pair.key.text("key"));
    if (std::ranges::find(kKeys, key) == kKeys.end()) {
      return fail(ErrorKind::unsupported, "a field of {} bytes is none of the documentation's",
                  key.size());
    }
  }
  return {};
}

Result<void> read_pcrs(const cbor::Item& map, DocumentUnverified& document) {
  const auto of_enclave = map.find(kPcrsOfEnclave);
  const auto of_tpm = map.find(kPcrsOfTpm);
  if (of_enclave.has_value() == of_tpm.has_value()) {
    return fail(ErrorKind::malformed, "not exactly one of '{}' and '{}'", kPcrsOfEnclave,
                kPcrsOfTpm);
  }
  document.variant = of_tpm ? Variant::tpm : Variant::enclave;
  const cbor::Item pcrs = of_tpm ? *of_tpm : *of_enclave;
  if (pcrs.type() != cbor::Type::map || pcrs.count() == 0) {
    return fail(ErrorKind::malformed, "PCRs are {} of {} entries", to_string(pcrs.type()),
                pcrs.count());
  }
  for (const cbor::Item::Pair& pair : pcrs.pairs()) {
    const uint64_t index = TRY(pair.key.unsigned_integer("PCR index"));
    if (index > kPcrIndexMax) {
      return fail(ErrorKind::malformed, "PCR index {} is beyond {}", index, kPcrIndexMax);
    }
    document.pcrs[static_cast<uint32_t>(index)] =
        TRY(read_bytes(pair.value, "PCR", kSha384Bytes, kSha384Bytes));
  }
  return {};
}

Result<void> read_certificates(const cbor::Item& map, DocumentUnverified& document) {
  document.certificate =
      TRY(read_bytes(TRY(require(map, "certificate")), "certificate", 1, kCertificateBytesMax));
  const cbor::Item bundle = TRY(require(map, "cabundle"));
  if (bundle.type() != cbor::Type::array || bundle.count() == 0 ||
      bundle.count() > kCaBundleCertificatesMax) {
    return fail(ErrorKind::malformed, "cabundle is {} of {} items, not an array of 1 to {}",
                to_string(bundle.type()), bundle.count(), kCaBundleCertificatesMax);
  }
  for (const cbor::Item& item : bundle.items()) {
    document.cabundle.push_back(TRY(read_bytes(item, "cabundle item", 1, kCertificateBytesMax)));
  }
  return {};
}

Result<void> read_payload(Bytes payload, DocumentUnverified& document) {
  const cbor::Document parsed = TRY(cbor::Document::read(payload));
  const cbor::Item map = parsed.root();
  if (map.type() != cbor::Type::map) {
    return fail(ErrorKind::malformed, "it is {}, not a map", to_string(map.type()));
  }
  if (parsed.bytes() != payload.size()) {
    return fail(ErrorKind::malformed, "{} bytes follow the map", payload.size() - parsed.bytes());
  }
  TRY(check_keys(map));
  const std::string_view module_id = TRY(TRY(require(map, "module_id")).text("module_id"));
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (module_id.empty() || module_id.size() > kModuleIdBytesMax ||
      !std::ranges::all_of(module_id, printable)) {
    return fail(ErrorKind::malformed, "module_id is not 1 to {} printable ASCII characters",
                kModuleIdBytesMax);
  }
  document.module_id = module_id;
  if (TRY(TRY(require(map, "digest")).text("digest")) != "SHA384") {
    return fail(ErrorKind::unsupported, "digest is not 'SHA384'");
  }
  document.timestamp_ms = TRY(TRY(require(map, "timestamp")).unsigned_integer("timestamp"));
  if (document.timestamp_ms == 0 || document.timestamp_ms > kTimestampMsMax) {
    return fail(ErrorKind::malformed, "timestamp {} is no time", document.timestamp_ms);
  }
  TRY(read_pcrs(map, document));
  TRY(read_certificates(map, document));
  document.public_key = TRY(read_optional(map, "public_key"));
  document.user_data = TRY(read_optional(map, "user_data"));
  document.nonce = TRY(read_optional(map, "nonce"));
  return {};
}

}  // namespace

Result<DocumentUnverified> parse_document(Bytes bytes) {
  const cbor::CoseSign1 message =
      TRY(cbor::read_cose_sign1(bytes.first(std::min(bytes.size(), size_t{kDocumentBytesMax}))));
  if (message.algorithm != cbor::kAlgorithmEs384) {
    return fail(ErrorKind::unsupported, "COSE algorithm {} is not ES384 ({})", message.algorithm,
                cbor::kAlgorithmEs384);
  }
  if (message.signature.size() != kSignatureBytes) {
    return fail(ErrorKind::malformed, "COSE signature has {} bytes, not {}",
                message.signature.size(), kSignatureBytes);
  }
  DocumentUnverified document;
  if (auto read = read_payload(message.payload, document); !read) {
    return within("attestation document's payload", std::move(read).error());
  }
  document.signed_bytes = cbor::cose_signed_bytes(message.protected_header, message.payload);
  document.signature.assign(message.signature.begin(), message.signature.end());
  document.bytes = message.bytes;
  return document;
}

}  // namespace sotto::attest::nitro

// Reading firmware identifiers out of certificate extensions.
// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/fwid.h"

#include <optional>
#include <string>

#include "crypto/der.h"

namespace sotto::attest::nvidia {
namespace {

constexpr std::string_view kCompositeDeviceIdOid = "2.23.133.5.4.1";
constexpr std::string_view kTcbInfoOid = "2.23.133.5.4.1.1";
constexpr std::string_view kSha384Oid = "2.16.840.1.101.3.4.2.2";
constexpr size_t kSha384Bytes = 48;
constexpr uint8_t kTcbInfoFwids = crypto::der_context(6, true);

// FWID ::= SEQUENCE { hashAlg OBJECT IDENTIFIER, digest OCTET STRING }, of which this is the content.
Result<std::vector<uint8_t>> read_fwid(Bytes content) {
  crypto::DerReader reader(content);
  const std::string hash =
      TRY(crypto::der_oid(TRY(reader.take(crypto::kDerOid, "FWID hash")), "FWID hash"));
  const Bytes digest = TRY(reader.take(crypto::kDerOctetString, "FWID digest"));
  TRY(reader.finish("FWID"));
  if (hash != kSha384Oid || digest.size() != kSha384Bytes) {
    return fail(ErrorKind::malformed, "the FWID is {} bytes of {}, not SHA-384", digest.size(),
                hash);
  }
  return std::vector<uint8_t>(digest.begin(), digest.end());
}

// SEQUENCE { version INTEGER, deviceID SubjectPublicKeyInfo, fwid FWID }
Result<std::vector<std::vector<uint8_t>>> read_composite(Bytes extension) {
  crypto::DerReader outer(extension);
  crypto::DerReader reader(TRY(outer.take(crypto::kDerSequence, "composite device id")));
  TRY(outer.finish("composite device id"));
  TRY(reader.take(crypto::kDerInteger, "composite device id version"));
  TRY(reader.take(crypto::kDerSequence, "device key"));
  std::vector<std::vector<uint8_t>> ids;
  ids.push_back(TRY(read_fwid(TRY(reader.take(crypto::kDerSequence, "FWID")))));
  TRY(reader.finish("composite device id"));
  return ids;
}

// SEQUENCE of optional fields with the tags [0], [1], …; [6] is the list of FWIDs.
Result<std::vector<std::vector<uint8_t>>> read_tcb_info(Bytes extension) {
  crypto::DerReader outer(extension);
  crypto::DerReader reader(TRY(outer.take(crypto::kDerSequence, "DICE TCB info")));
  TRY(outer.finish("DICE TCB info"));
  std::vector<std::vector<uint8_t>> ids;
  int last_tag = -1;
  while (!reader.done()) {
    const crypto::DerItem item = TRY(reader.next("DICE TCB info field"));
    const int number = item.tag & 0x1f;
    if (number <= last_tag) {
      return fail(ErrorKind::malformed, "DICE TCB info field {} follows {}", number, last_tag);
    }
    last_tag = number;
    if (item.tag != kTcbInfoFwids) continue;
    crypto::DerReader list(item.content);
    while (!list.done()) {
      ids.push_back(TRY(read_fwid(TRY(list.take(crypto::kDerSequence, "FWID")))));
    }
  }
  if (ids.empty()) return fail(ErrorKind::malformed, "the DICE TCB info has no FWID");
  return ids;
}

}  // namespace

Result<std::vector<std::vector<uint8_t>>> firmware_ids(const crypto::Certificate& leaf) {
  const std::optional<std::vector<uint8_t>> composite = TRY(leaf.extension(kCompositeDeviceIdOid));
  const std::optional<std::vector<uint8_t>> tcb_info = TRY(leaf.extension(kTcbInfoOid));
  if (composite.has_value() == tcb_info.has_value()) {
    return fail(ErrorKind::malformed, "the certificate has {} of the extensions with its FWID",
                composite ? "both" : "none");
  }
  return composite ? read_composite(*composite) : read_tcb_info(*tcb_info);
}

}  // namespace sotto::attest::nvidia

// Reading COSE_Sign1 and building its Sig_structure.
// SPDX-License-Identifier: Apache-2.0
#include "attest/cbor/cose_sign1.h"

#include "attest/cbor/cbor.h"
#include "attest/cbor/writer.h"

namespace sotto::attest::cbor {
namespace {

constexpr uint8_t kTag18 = 0xd2;  // libcbor 0.8 knows no tags from 6 to 20
constexpr uint64_t kLabelAlgorithm = 1;

Result<int64_t> read_algorithm(Bytes protected_header) {
  const Document document = TRY(Document::read(protected_header));
  if (document.bytes() != protected_header.size()) {
    return fail(ErrorKind::malformed, "{} bytes follow the map",
                protected_header.size() - document.bytes());
  }
  const auto algorithm = document.root().find(kLabelAlgorithm);
  if (!algorithm || document.root().count() != 1) {
    return fail(ErrorKind::unsupported, "not a map of the algorithm alone");
  }
  return algorithm->integer("algorithm");
}

}  // namespace

Result<CoseSign1> read_cose_sign1(Bytes bytes) {
  const uint64_t tag_bytes = !bytes.empty() && bytes[0] == kTag18 ? 1 : 0;
  const Document document = TRY(Document::read(bytes.subspan(tag_bytes)));
  const std::vector<Item> parts = document.root().items();
  if (parts.size() != 4) {
    return fail(ErrorKind::malformed, "COSE_Sign1 is {} of {} items, not an array of 4",
                to_string(document.root().type()), document.root().count());
  }
  CoseSign1 message;
  message.protected_header = TRY(parts[0].bytes("COSE protected header"));
  auto algorithm = read_algorithm(message.protected_header);
  if (!algorithm) return within("COSE protected header", std::move(algorithm).error());
  message.algorithm = *algorithm;
  if (parts[1].type() != Type::map || parts[1].count() != 0) {
    return fail(ErrorKind::unsupported, "COSE unprotected header is {} of {} entries, not {{}}",
                to_string(parts[1].type()), parts[1].count());
  }
  message.payload = TRY(parts[2].bytes("COSE payload"));
  message.signature = TRY(parts[3].bytes("COSE signature"));
  message.bytes = tag_bytes + document.bytes();
  return message;
}

std::vector<uint8_t> cose_signed_bytes(Bytes protected_header, Bytes payload) {
  Writer out;
  out.array(4);
  out.text("Signature1");
  out.bytes(protected_header);
  out.bytes({});
  out.bytes(payload);
  return out.written();
}

}  // namespace sotto::attest::cbor

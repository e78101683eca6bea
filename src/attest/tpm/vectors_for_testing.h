// Recorded TPM quotes, out of the containers that their sources keep them in, for tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "attest/event_log/vectors_for_testing.h"
#include "attest/google/protobuf.h"
#include "attest/tpm/evidence.h"
#include "base/text_encoding.h"

namespace sotto::attest::testing {

// Fields of a protocol buffers message by number.
inline std::vector<Bytes> fields(Bytes message, uint32_t number) {
  std::vector<Bytes> found;
  google::ProtoReader in(message);
  while (!in.at_end()) {
    const auto field = in.next();
    CHECK(field.has_value());
    if (field->number == number) found.push_back(field->bytes);
  }
  return found;
}

inline uint64_t number_field(Bytes message, uint32_t number) {
  google::ProtoReader in(message);
  uint64_t value = 0;
  while (!in.at_end()) {
    const auto field = in.next();
    CHECK(field.has_value());
    if (field->number == number) value = field->value;
  }
  return value;
}

inline std::vector<uint8_t> copy_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

inline std::string pem_of(const std::vector<Bytes>& certificates) {
  std::string pem;
  for (const Bytes der : certificates) {
    const std::string text = base64_of(der, Base64::standard);
    pem += "-----BEGIN CERTIFICATE-----\n";
    for (size_t i = 0; i < text.size(); i += 64) pem += text.substr(i, 64) + "\n";
    pem += "-----END CERTIFICATE-----\n";
  }
  return pem;
}

// go-tpm-tools' Attestation message: one piece of evidence for each of its quotes (SHA-1, SHA-256 and
// SHA-384 banks), the event log in all of them.
inline std::vector<tpm::QuoteEvidence> go_tpm_quotes(Bytes attestation) {
  constexpr uint32_t kKey = 1, kQuotes = 2, kEventLog = 3, kCertificate = 6, kIntermediates = 7;
  std::vector<tpm::QuoteEvidence> all;
  for (const Bytes quote : fields(attestation, kQuotes)) {
    tpm::QuoteEvidence one;
    one.key = copy_of(fields(attestation, kKey).at(0));
    one.attest = copy_of(fields(quote, 1).at(0));
    one.signature = copy_of(fields(quote, 2).at(0));
    const Bytes pcrs = fields(quote, 3).at(0);
    const auto bank = static_cast<uint16_t>(number_field(pcrs, 1));
    for (const Bytes entry : fields(pcrs, 2)) {
      one.pcrs[bank][static_cast<uint32_t>(number_field(entry, 1))] =
          copy_of(fields(entry, 2).at(0));
    }
    for (const Bytes log : fields(attestation, kEventLog)) one.event_log = copy_of(log);
    for (const Bytes der : fields(attestation, kCertificate)) one.certificate = copy_of(der);
    const std::string pem = pem_of(fields(attestation, kIntermediates));
    one.intermediates.assign(pem.begin(), pem.end());
    all.push_back(std::move(one));
  }
  CHECK(!all.empty());
  return all;
}

// The message inside the CBOR envelope of a GCE VM with SEV-SNP: its byte string "tpm".
inline std::vector<uint8_t> combined_attestation() {
  std::string text = read_text(vectors() / "snp/reclaimprotocol_attestor-core/gcp_combined.b64");
  while (text.ends_with('\n')) text.pop_back();
  const auto envelope = bytes_of_base64(text, Base64::standard);
  CHECK(envelope.has_value());
  const std::string_view all(reinterpret_cast<const char*>(envelope->data()), envelope->size());
  constexpr std::string_view kName = "ctpm";
  const size_t at = all.find(kName) + kName.size();
  CHECK(at < all.size() && (*envelope)[at] == 0x59);  // a byte string with a length of two bytes
  const size_t size = size_t{(*envelope)[at + 1]} << 8 | (*envelope)[at + 2];
  return copy_of(Bytes(*envelope).subspan(at + 3, size));
}

}  // namespace sotto::attest::testing

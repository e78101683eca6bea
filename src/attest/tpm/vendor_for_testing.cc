// Marshalling a TPM's structures, and signing them.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "attest/event_log/algorithms.h"
#include "attest/tpm/cases_for_testing.h"
#include "attest/tpm/quote.h"
#include "attest/tpm/wire.h"
#include "base/check.h"

namespace sotto::attest::tpm {
namespace {

using crypto::KeyType;

crypto::SignatureScheme to_crypto(Scheme scheme) {
  switch (scheme) {
    case Scheme::ecdsa:
      return crypto::SignatureScheme::ecdsa_raw;
    case Scheme::rsapss:
      return crypto::SignatureScheme::rsa_pss;
    default:
      return crypto::SignatureScheme::rsa_pkcs1;
  }
}

}  // namespace

std::vector<uint8_t> marshal_for_testing(const QuoteForTesting& quote) {
  WireWriter out;
  out.write(quote.magic);
  out.write(quote.type);
  out.sized(quote.qualified_signer);
  out.sized(quote.extra_data);
  out.write<uint64_t>(123'456);  // clock
  out.write<uint32_t>(3);        // resets
  out.write<uint32_t>(1);        // restarts
  out.write<uint8_t>(1);         // safe
  out.write<uint64_t>(0x20240101);
  out.write(static_cast<uint32_t>(quote.selections.size()));
  for (const auto& [bank, bits] : quote.selections) {
    out.write(bank);
    out.write(static_cast<uint8_t>(bits.size()));
    out.append(bits);
  }
  out.sized(quote.pcr_digest);
  out.append(quote.trailing);
  return out.release();
}

std::vector<uint8_t> marshal_signature_for_testing(Scheme scheme, uint16_t hash, Bytes raw) {
  WireWriter out;
  out.write(static_cast<uint16_t>(scheme));
  out.write(hash);
  if (scheme == Scheme::ecdsa) {
    out.sized(raw.first(raw.size() / 2));
    out.sized(raw.last(raw.size() / 2));
  } else {
    out.sized(raw);
  }
  return out.release();
}

std::vector<uint8_t> modulus_for_testing(const crypto::PublicKey& key) {
  // All but the exponent at the end of a SubjectPublicKeyInfo.
  constexpr size_t kModulusBytes = 256, kExponentBytes = 5;
  const std::vector<uint8_t> spki = key.spki();
  CHECK(key.bits() == 2048 && spki.size() > kModulusBytes + kExponentBytes);
  return {spki.end() - kModulusBytes - kExponentBytes, spki.end() - kExponentBytes};
}

std::vector<uint8_t> public_area_for_testing(const crypto::PublicKey& key, Scheme scheme,
                                             uint16_t hash, uint32_t attributes) {
  constexpr uint16_t kRsa = 0x0001, kEcc = 0x0023, kNull = 0x0010, kP256 = 3, kP384 = 4;
  const bool is_rsa = key.type() == KeyType::rsa;
  WireWriter out;
  out.write(is_rsa ? kRsa : kEcc);
  out.write(event_log::kSha256);
  out.write(attributes);
  out.sized({});     // policy
  out.write(kNull);  // symmetric algorithm
  out.write(static_cast<uint16_t>(scheme));
  if (scheme != Scheme::null) out.write(hash);
  if (is_rsa) {
    out.write<uint16_t>(2048);
    out.write<uint32_t>(0);  // the usual exponent
    out.sized(modulus_for_testing(key));
  } else {
    const std::vector<uint8_t> point = key.ec_point();
    out.write(key.type() == KeyType::ec_p256 ? kP256 : kP384);
    out.write(kNull);  // key derivation
    out.sized(Bytes(point).first(point.size() / 2));
    out.sized(Bytes(point).last(point.size() / 2));
  }
  return out.release();
}

std::vector<uint8_t> qualified_signer_for_testing(Bytes public_area) {
  const auto area = parse_public(public_area);
  CHECK(area.has_value());
  const auto name = qualified_name_of(*area, kEndorsementHierarchy);
  CHECK(name.has_value());
  return *name;
}

std::vector<uint8_t> nonce_for_testing() {
  return std::vector<uint8_t>(32, 0x5a);
}

VendorForTesting::VendorForTesting()
    : root_key_(KeyType::ec_p384),
      p256_(KeyType::ec_p256),
      p384_(KeyType::ec_p384),
      rsa_(KeyType::rsa),
      root_(crypto::issue_certificate({.common_name = "Test vTPM root, protects nothing",
                                       .not_before = kTime - 10'000,
                                       .not_after = kTime + 10'000,
                                       .is_ca = true},
                                      root_key_.public_key(), nullptr, root_key_)) {}

crypto::Certificate VendorForTesting::certify(const crypto::PublicKey& key, int64_t not_before,
                                              int64_t not_after) const {
  return crypto::issue_certificate({.common_name = "Test attestation key",
                                    .serial = 2,
                                    .not_before = not_before,
                                    .not_after = not_after},
                                   key, &root_, root_key_);
}

QuoteEvidence VendorForTesting::quote(const crypto::KeyPair& signer, Scheme scheme,
                                      uint16_t hash) const {
  QuoteEvidence evidence;
  for (const uint8_t pcr : {0, 4, 11}) {
    evidence.pcrs[event_log::kSha256][pcr] = std::vector<uint8_t>(32, pcr);
  }
  evidence.key = public_area_for_testing(signer.public_key(), scheme, hash);
  QuoteForTesting quote;
  quote.qualified_signer = qualified_signer_for_testing(evidence.key);
  quote.extra_data = nonce_for_testing();
  quote.selections = {{event_log::kSha256, {0x11, 0x08, 0x00}}};
  const auto digest = pcr_digest({{event_log::kSha256, 0x0811}}, evidence.pcrs, hash);
  CHECK(digest.has_value());
  quote.pcr_digest = *digest;
  evidence.attest = marshal_for_testing(quote);
  const auto known = event_log::hash_algorithm(hash);
  CHECK(known.has_value());
  evidence.signature = marshal_signature_for_testing(
      scheme, hash, signer.sign(to_crypto(scheme), *known, evidence.attest));
  const crypto::Certificate certificate = certify(signer.public_key());
  evidence.certificate = {certificate.der().begin(), certificate.der().end()};
  return evidence;
}

}  // namespace sotto::attest::tpm

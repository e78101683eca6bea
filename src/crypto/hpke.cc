// Labelled HKDF, the KEM and the key schedule.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/hpke.h"

#include <algorithm>

#include "base/check.h"

namespace sotto::crypto {
namespace {

constexpr uint64_t kMessagesMax = uint64_t{1} << 32;

// A byte at a time: g++ 12 sees an overrun in vector's insert of a range here that is not there.
void append(Secret& to, Bytes bytes) {
  to.reserve(to.size() + bytes.size());
  for (const uint8_t byte : bytes) to.push_back(byte);
}

void append_u16(Secret& to, size_t value) {
  to.push_back(static_cast<uint8_t>(value >> 8));
  to.push_back(static_cast<uint8_t>(value));
}

Secret kem_suite() {
  Secret suite;
  append(suite, as_bytes("KEM"));
  append_u16(suite, kHpkeKemX25519);
  return suite;
}

Secret hpke_suite(AeadId aead) {
  Secret suite;
  append(suite, as_bytes("HPKE"));
  append_u16(suite, kHpkeKemX25519);
  append_u16(suite, kHpkeKdfSha256);
  append_u16(suite, static_cast<uint16_t>(aead));
  return suite;
}

// [RFC9180 §4]
Secret labeled_extract(Bytes suite, Bytes salt, std::string_view label, Bytes secret) {
  Secret labeled;
  append(labeled, as_bytes("HPKE-v1"));
  append(labeled, suite);
  append(labeled, as_bytes(label));
  append(labeled, secret);
  return hkdf_extract(salt, labeled);
}

Secret labeled_expand(Bytes suite, Bytes key, std::string_view label, Bytes info, size_t size) {
  Secret labeled;
  append_u16(labeled, size);
  append(labeled, as_bytes("HPKE-v1"));
  append(labeled, suite);
  append(labeled, as_bytes(label));
  append(labeled, info);
  return hkdf_expand(key, labeled, size);
}

// [RFC9180 §4.1]
Secret shared_secret_of(Bytes agreed, const X25519Public& enc, const X25519Public& receiver) {
  const Secret suite = kem_suite();
  Secret context;
  append(context, enc);
  append(context, receiver);
  const Secret key = labeled_extract(suite, {}, "eae_prk", agreed);
  return labeled_expand(suite, key, "shared_secret", context, 32);
}

}  // namespace

// [RFC9180 §5.1], base mode: no pre-shared key.
HpkeContext hpke_schedule(AeadId aead, Bytes shared_secret, Bytes info) {
  const Secret suite = hpke_suite(aead);
  Secret schedule;
  schedule.push_back(0);
  append(schedule, labeled_extract(suite, {}, "psk_id_hash", {}));
  append(schedule, labeled_extract(suite, {}, "info_hash", info));
  const Secret secret = labeled_extract(suite, shared_secret, "secret", {});
  HpkeContext context;
  context.aead_ = aead;
  context.key_ = labeled_expand(suite, secret, "key", schedule, aead_key_bytes(aead));
  const Secret nonce = labeled_expand(suite, secret, "base_nonce", schedule, kAeadNonceBytes);
  std::copy(nonce.begin(), nonce.end(), context.base_nonce_.begin());
  context.exporter_secret_ = labeled_expand(suite, secret, "exp", schedule, kHkdfBytes);
  return context;
}

AeadNonce HpkeContext::nonce() const {
  AeadNonce nonce = base_nonce_;
  for (size_t i = 0; i < 8; ++i) {
    nonce[kAeadNonceBytes - 1 - i] ^= static_cast<uint8_t>(sequence_ >> (8 * i));
  }
  return nonce;
}

Result<std::vector<uint8_t>> HpkeContext::seal(Bytes aad, Bytes plaintext) {
  if (sequence_ == kMessagesMax) return fail(ErrorKind::exhausted, "HPKE: too many messages");
  std::vector<uint8_t> sealed = aead_seal(aead_, key_, nonce(), aad, plaintext);
  ++sequence_;
  return sealed;
}

Result<Secret> HpkeContext::open(Bytes aad, Bytes sealed) {
  if (sequence_ == kMessagesMax) return fail(ErrorKind::exhausted, "HPKE: too many messages");
  Secret plaintext = TRY(aead_open(aead_, key_, nonce(), aad, sealed));
  ++sequence_;
  return plaintext;
}

Secret HpkeContext::export_secret(Bytes context, size_t size) const {
  return labeled_expand(hpke_suite(aead_), exporter_secret_, "sec", context, size);
}

Result<HpkeSender> hpke_sender(AeadId aead, const X25519Public& receiver, Bytes info,
                               const std::optional<X25519Key>& ephemeral) {
  const X25519Key key = ephemeral ? *ephemeral : X25519Key::generate();
  const Secret agreed = TRY(key.agree(receiver));
  const Secret shared = shared_secret_of(agreed, key.public_bytes(), receiver);
  return HpkeSender{key.public_bytes(), hpke_schedule(aead, shared, info)};
}

Result<HpkeContext> hpke_receiver(AeadId aead, const X25519Key& receiver, const X25519Public& enc,
                                  Bytes info) {
  const Secret agreed = TRY(receiver.agree(enc));
  const Secret shared = shared_secret_of(agreed, enc, receiver.public_bytes());
  return hpke_schedule(aead, shared, info);
}

}  // namespace sotto::crypto

// Hybrid public key encryption: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 [RFC9180].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "crypto/aead.h"
#include "crypto/x25519.h"

namespace sotto::crypto {

inline constexpr uint16_t kHpkeKemX25519 = 0x0020;  // [RFC9180 §7.1]
inline constexpr uint16_t kHpkeKdfSha256 = 0x0001;  // [RFC9180 §7.2]

// One side of an exchange: the sender seals, the receiver opens, in the same order. Not for two threads.
// Cannot be copied: two that seal would use a nonce twice.
class HpkeContext {
 public:
  HpkeContext(HpkeContext&&) = default;
  HpkeContext& operator=(HpkeContext&&) = default;

  // `exhausted` after 2^32 messages.
  Result<std::vector<uint8_t>> seal(Bytes aad, Bytes plaintext);
  // `untrusted` for what was not sealed as this message of the exchange; the next one is then still
  // waited for.
  Result<Secret> open(Bytes aad, Bytes sealed);
  // `size` at most kHkdfExpandBytesMax.
  Secret export_secret(Bytes context, size_t size) const;

 private:
  friend HpkeContext hpke_schedule(AeadId aead, Bytes shared_secret, Bytes info);
  HpkeContext() = default;
  AeadNonce nonce() const;

  AeadId aead_{};
  Secret key_;
  AeadNonce base_nonce_{};
  Secret exporter_secret_;
  uint64_t sequence_ = 0;
};

struct HpkeSender {
  X25519Public enc;  // for the receiver
  HpkeContext context;
};
// `malformed` for a receiver's key of small order. `ephemeral` only where a test fixes it.
Result<HpkeSender> hpke_sender(AeadId aead, const X25519Public& receiver, Bytes info,
                               const std::optional<X25519Key>& ephemeral = std::nullopt);
Result<HpkeContext> hpke_receiver(AeadId aead, const X25519Key& receiver, const X25519Public& enc,
                                  Bytes info);

}  // namespace sotto::crypto

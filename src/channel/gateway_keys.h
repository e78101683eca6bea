// A node's keys for Oblivious HTTP: one that clients are told, and earlier ones that still open for a
// while; each request is opened once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "channel/key_config.h"
#include "channel/ohttp.h"

namespace sotto::channel {

inline constexpr int64_t kKeySeconds = 7 * 86400;   // a key is told for so long
inline constexpr int64_t kKeyGraceSeconds = 86400;  // and honoured for so much longer
// Requests that one key opens; at half of them it is replaced. A remembered one takes about 60 bytes, and
// anybody can send one.
inline constexpr size_t kRequestsPerKeyMax = 1 << 20;
// Older ones go, whatever their time: what is remembered is bounded, and a client whose key is gone asks for
// evidence anew.
inline constexpr size_t kKeysMax = 4;

// Private keys exist here alone and go with it. Threads may use one together; times are Unix seconds.
class GatewayKeys {
 public:
  explicit GatewayKeys(int64_t now, size_t requests_per_key_max = kRequestsPerKeyMax);

  // As application/ohttp-keys: the key that is told.
  std::vector<uint8_t> configs() const;
  // Replaces the told key when its time is over or it has opened too many; true when it did.
  bool rotate(int64_t now);

  struct Opened {
    GatewayExchange exchange;
    Secret request;
  };
  // A whole encapsulated request. `untrusted` for one that does not open, that came before, or whose
  // key's time is over; `exhausted` when the key has opened too many; `malformed`, `unsupported`.
  Result<Opened> open(Bytes bytes, Form form, uint64_t plaintext_max, int64_t now);

 private:
  struct Hash {
    size_t operator()(const crypto::X25519Public& enc) const;
  };
  struct Key {
    uint8_t id = 0;
    crypto::X25519Key key;
    int64_t told_until = 0;
    // A replay has the same `enc`, and a new request never has: it is a fresh public key.
    std::unordered_set<crypto::X25519Public, Hash> seen = {};
  };
  Key make_key(int64_t now) const;

  const size_t requests_max_;
  mutable std::mutex mutex_;
  std::vector<Key> keys_;  // the told one last
};

}  // namespace sotto::channel

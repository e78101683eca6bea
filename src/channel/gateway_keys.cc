// Rotation and the replay filter.
// SPDX-License-Identifier: Apache-2.0
#include "channel/gateway_keys.h"

#include <algorithm>
#include <cstring>

#include "crypto/random.h"

namespace sotto::channel {

size_t GatewayKeys::Hash::operator()(const crypto::X25519Public& enc) const {
  // Whoever sends can choose it, but must open with it first: no flood of equal hashes comes cheap.
  static const uint64_t salt = crypto::random_u64();
  uint64_t words[4];
  std::memcpy(words, enc.data(), sizeof words);
  return (words[0] ^ salt) * 0x9e3779b97f4a7c15 ^ words[1] ^ (words[2] + words[3]);
}

GatewayKeys::GatewayKeys(int64_t now, size_t requests_per_key_max)
    : requests_max_(requests_per_key_max) {
  keys_.push_back(make_key(now));
}

GatewayKeys::Key GatewayKeys::make_key(int64_t now) const {
  const uint8_t id =
      keys_.empty() ? static_cast<uint8_t>(crypto::random_u64()) : uint8_t(keys_.back().id + 1);
  return {id, crypto::X25519Key::generate(), now + kKeySeconds};
}

std::vector<uint8_t> GatewayKeys::configs() const {
  const std::lock_guard lock(mutex_);
  const KeyConfig config{keys_.back().id,
                         keys_.back().key.public_bytes(),
                         {std::begin(crypto::kAeads), std::end(crypto::kAeads)}};
  return serialize(std::span(&config, 1));
}

bool GatewayKeys::rotate(int64_t now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(keys_, [&](const Key& key) {
    return &key != &keys_.back() && now >= key.told_until + kKeyGraceSeconds;
  });
  Key& told = keys_.back();
  if (now < told.told_until && told.seen.size() < requests_max_ / 2) return false;
  told.told_until = std::min(told.told_until, now);  // what is left to it is the grace
  keys_.push_back(make_key(now));
  if (keys_.size() > kKeysMax) keys_.erase(keys_.begin());
  return true;
}

Result<GatewayKeys::Opened> GatewayKeys::open(Bytes bytes, Form form, uint64_t plaintext_max,
                                              int64_t now) {
  const GatewayExchange::Header header = TRY(GatewayExchange::read_header(bytes));
  const auto find = [&] {
    return std::ranges::find_if(keys_, [&](const Key& key) {
      return key.id == header.key_id && now < key.told_until + kKeyGraceSeconds;
    });
  };
  std::optional<crypto::X25519Key> key;
  {
    const std::lock_guard lock(mutex_);
    const auto found = find();
    if (found != keys_.end()) key = found->key;
  }
  if (!key) return fail(ErrorKind::untrusted, "a request to a key that this gateway does not have");
  GatewayExchange exchange = TRY(GatewayExchange::begin(header, form, *key));
  Secret request = TRY(exchange.open_request(bytes.subspan(kRequestHeaderBytes), plaintext_max));
  // Remembered only now: what does not open takes no room.
  const std::lock_guard lock(mutex_);
  const auto found = find();
  if (found == keys_.end()) return fail(ErrorKind::untrusted, "the key's time is over");
  if (found->seen.contains(header.enc)) {
    return fail(ErrorKind::untrusted, "a request that came before");
  }
  if (found->seen.size() >= requests_max_) {
    return fail(ErrorKind::exhausted, "this key has opened too many requests");
  }
  found->seen.insert(header.enc);
  return Opened{std::move(exchange), std::move(request)};
}

}  // namespace sotto::channel

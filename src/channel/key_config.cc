// Numbers in big endian.
// SPDX-License-Identifier: Apache-2.0
#include "channel/key_config.h"

#include <algorithm>

namespace sotto::channel {
namespace {

void append_u16(std::vector<uint8_t>& to, uint16_t value) {
  to.push_back(static_cast<uint8_t>(value >> 8));
  to.push_back(static_cast<uint8_t>(value));
}

Result<uint16_t> read_u16(ByteReader& in, std::string_view field) {
  const Bytes bytes = TRY(in.take(2, field));
  return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}

// Nothing where its KEM is another, whose key's length we do not know.
Result<std::optional<KeyConfig>> read_config(Bytes bytes) {
  ByteReader in(bytes);
  KeyConfig config;
  config.id = TRY(in.read<uint8_t>("key id"));
  if (TRY(read_u16(in, "KEM")) != crypto::kHpkeKemX25519) return std::nullopt;
  const Bytes key = TRY(in.take(config.key.size(), "public key"));
  std::copy(key.begin(), key.end(), config.key.begin());
  const uint16_t size = TRY(read_u16(in, "suites"));
  if (size == 0 || size % 4 != 0 || size != in.left()) {
    return fail(ErrorKind::malformed, "key configuration: suites of {} bytes, {} left", size,
                in.left());
  }
  while (in.left() != 0) {
    const uint16_t kdf = TRY(read_u16(in, "KDF"));
    const uint16_t aead = TRY(read_u16(in, "AEAD"));
    for (const crypto::AeadId known : crypto::kAeads) {
      const bool same = kdf == crypto::kHpkeKdfSha256 && aead == static_cast<uint16_t>(known);
      const bool has = std::ranges::find(config.aeads, known) != config.aeads.end();
      if (same && !has) config.aeads.push_back(known);
    }
  }
  if (config.aeads.empty()) return std::nullopt;
  return config;
}

}  // namespace

std::vector<uint8_t> serialize(std::span<const KeyConfig> configs) {
  std::vector<uint8_t> out;
  for (const KeyConfig& config : configs) {
    std::vector<uint8_t> one;
    one.push_back(config.id);
    append_u16(one, crypto::kHpkeKemX25519);
    one.insert(one.end(), config.key.begin(), config.key.end());
    append_u16(one, static_cast<uint16_t>(4 * config.aeads.size()));
    for (const crypto::AeadId aead : config.aeads) {
      append_u16(one, crypto::kHpkeKdfSha256);
      append_u16(one, static_cast<uint16_t>(aead));
    }
    append_u16(out, static_cast<uint16_t>(one.size()));
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

Result<std::vector<KeyConfig>> parse_key_configs(Bytes bytes) {
  ByteReader in(bytes);
  std::vector<KeyConfig> configs;
  size_t seen = 0;
  while (in.left() != 0) {
    if (++seen > kKeyConfigsMax) {
      return fail(ErrorKind::exhausted, "more than {} key configurations", kKeyConfigsMax);
    }
    const uint16_t size = TRY(read_u16(in, "length of a key configuration"));
    std::optional<KeyConfig> config = TRY(read_config(TRY(in.take(size, "key configuration"))));
    if (config) configs.push_back(std::move(*config));
  }
  if (configs.empty()) {
    return fail(ErrorKind::unsupported, "no key configuration that this program knows");
  }
  return configs;
}

}  // namespace sotto::channel

// Big endian.
// SPDX-License-Identifier: Apache-2.0
#include "channel/varint.h"

#include "base/check.h"

namespace sotto::channel {

void append_varint(std::vector<uint8_t>& to, uint64_t value) {
  CHECK(value <= kVarintMax);
  const int code = value < 1 << 6 ? 0 : value < 1 << 14 ? 1 : value < 1 << 30 ? 2 : 3;
  const int bytes = 1 << code;
  for (int i = bytes - 1; i >= 0; --i) {
    const auto byte = static_cast<uint8_t>(value >> (8 * i));
    to.push_back(i == bytes - 1 ? static_cast<uint8_t>(byte | code << 6) : byte);
  }
}

Result<uint64_t> read_varint(ByteReader& in, std::string_view field) {
  const auto first = TRY(in.read<uint8_t>(field));
  uint64_t value = first & 0x3f;
  for (const uint8_t byte : TRY(in.take(varint_bytes(first) - 1, field))) {
    value = value << 8 | byte;
  }
  return value;
}

}  // namespace sotto::channel

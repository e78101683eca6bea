// Varints and lengths.
// SPDX-License-Identifier: Apache-2.0
#include "attest/google/protobuf.h"

namespace sotto::attest::google {

Result<uint64_t> ProtoReader::varint() {
  const uint64_t at = in_.offset();
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = TRY(in_.read<uint8_t>("varint"));
    const uint64_t bits = byte & 0x7f;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return fail(ErrorKind::malformed, "the varint at offset {} does not fit 64 bits", at);
}

Result<ProtoField> ProtoReader::next() {
  constexpr uint64_t kNumberMax = (1 << 29) - 1;
  const uint64_t at = in_.offset();
  const uint64_t key = TRY(varint());
  const uint64_t number = key >> 3;
  if (number == 0 || number > kNumberMax) {
    return fail(ErrorKind::malformed, "field number {} at offset {}", number, at);
  }
  ProtoField field;
  field.number = static_cast<uint32_t>(number);
  field.type = static_cast<WireType>(key & 7);
  switch (field.type) {
    case WireType::varint:
      field.value = TRY(varint());
      return field;
    case WireType::fixed64:
      field.value = TRY(in_.read<uint64_t>("number"));
      return field;
    case WireType::fixed32:
      field.value = TRY(in_.read<uint32_t>("number"));
      return field;
    case WireType::bytes:
      field.bytes = TRY(in_.take(TRY(varint()), "bytes"));
      return field;
  }
  return fail(ErrorKind::malformed, "field {} at offset {} has wire type {}", number, at, key & 7);
}

Result<void> expect_type(const ProtoField& field, WireType type, std::string_view name) {
  if (field.type == type) return {};
  return fail(ErrorKind::malformed, "{} has wire type {}, not {}", name,
              static_cast<int>(field.type), static_cast<int>(type));
}

}  // namespace sotto::attest::google

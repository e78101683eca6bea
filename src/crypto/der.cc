// Walking DER.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/der.h"

#include <fmt/format.h>

namespace sotto::crypto {
namespace {

constexpr size_t kOidBytesMax = 64;

std::unexpected<Error> malformed(std::string_view field, std::string_view what) {
  return fail(ErrorKind::malformed, "{}: {}", field, what);
}

}  // namespace

Result<DerItem> DerReader::next(std::string_view field) {
  const uint8_t tag = TRY(reader_.read<uint8_t>(field));
  if ((tag & 0x1f) == 0x1f) return malformed(field, "a tag of more than one byte");
  uint64_t size = TRY(reader_.read<uint8_t>(field));
  if (size >= 0x80) {
    const uint64_t count = size & 0x7f;
    if (count == 0 || count > 4) return malformed(field, "a length that is indefinite or too long");
    size = 0;
    for (uint64_t i = 0; i < count; ++i) size = size << 8 | TRY(reader_.read<uint8_t>(field));
    if (size < 0x80 || size >> (8 * (count - 1)) == 0) {
      return malformed(field, "a length that is not the shortest");
    }
  }
  return DerItem{tag, TRY(reader_.take(size, field))};
}

Result<Bytes> DerReader::take(uint8_t tag, std::string_view field) {
  const DerItem item = TRY(next(field));
  if (item.tag != tag) {
    return fail(ErrorKind::malformed, "{}: tag {:#04x}, expected {:#04x}", field, item.tag, tag);
  }
  return item.content;
}

Result<void> DerReader::finish(std::string_view field) const {
  if (!done()) return fail(ErrorKind::malformed, "{}: {} bytes left over", field, reader_.left());
  return {};
}

Result<uint64_t> der_unsigned(Bytes content, std::string_view field) {
  if (content.empty() || content[0] >= 0x80) return malformed(field, "no non-negative integer");
  if (content.size() > 1 && content[0] == 0 && content[1] < 0x80) {
    return malformed(field, "an integer that is not the shortest");
  }
  if (content.size() > (content[0] == 0 ? 9u : 8u))
    return malformed(field, "an integer above 2^64");
  uint64_t value = 0;
  for (uint8_t byte : content) value = value << 8 | byte;
  return value;
}

Result<bool> der_boolean(Bytes content, std::string_view field) {
  if (content.size() != 1 || (content[0] != 0 && content[0] != 0xff)) {
    return malformed(field, "no boolean");
  }
  return content[0] != 0;
}

Result<std::string> der_oid(Bytes content, std::string_view field) {
  if (content.empty() || content.size() > kOidBytesMax || content.back() >= 0x80) {
    return malformed(field, "no object identifier");
  }
  std::string text;
  uint64_t arc = 0;
  for (uint8_t byte : content) {
    if (arc == 0 && byte == 0x80) return malformed(field, "an arc that is not the shortest");
    if (arc >> 57 != 0) return malformed(field, "an arc above 2^64");
    arc = arc << 7 | (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (text.empty()) {
      const uint64_t first = arc < 80 ? arc / 40 : 2;
      text = fmt::format("{}.{}", first, arc - 40 * first);
    } else {
      text += fmt::format(".{}", arc);
    }
    arc = 0;
  }
  return text;
}

}  // namespace sotto::crypto

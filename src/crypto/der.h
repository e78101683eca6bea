// Walking DER [X690 §10]: for certificate extensions that OpenSSL does not know.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sotto::crypto {

inline constexpr uint8_t kDerBoolean = 0x01;
inline constexpr uint8_t kDerInteger = 0x02;
inline constexpr uint8_t kDerBitString = 0x03;
inline constexpr uint8_t kDerOctetString = 0x04;
inline constexpr uint8_t kDerOid = 0x06;
inline constexpr uint8_t kDerEnumerated = 0x0a;
inline constexpr uint8_t kDerUtf8String = 0x0c;
inline constexpr uint8_t kDerIa5String = 0x16;
inline constexpr uint8_t kDerSequence = 0x30;
inline constexpr uint8_t kDerSet = 0x31;
constexpr uint8_t der_context(uint8_t number, bool constructed) {
  return static_cast<uint8_t>(0x80 | (constructed ? 0x20 : 0) | number);
}

struct DerItem {
  uint8_t tag;
  Bytes content;  // borrowed
};

// Reads items one after another over borrowed bytes. Definite, shortest lengths and one-byte tags only.
class DerReader {
 public:
  explicit DerReader(Bytes bytes) : reader_(bytes) {}

  bool done() const { return reader_.left() == 0; }
  Result<DerItem> next(std::string_view field);
  // The content of the next item, which must have that tag.
  Result<Bytes> take(uint8_t tag, std::string_view field);
  // `malformed` when anything is left.
  Result<void> finish(std::string_view field) const;

 private:
  ByteReader reader_;
};

// Contents of items.
Result<uint64_t> der_unsigned(Bytes content, std::string_view field);  // not negative, below 2^64
Result<bool> der_boolean(Bytes content, std::string_view field);
Result<std::string> der_oid(Bytes content, std::string_view field);  // dotted

}  // namespace sotto::crypto

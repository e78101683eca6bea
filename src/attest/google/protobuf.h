// A bounded reader of protocol buffers' wire format: one field after the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace sotto::attest::google {

// [Protobuf-Encoding]; groups are refused.
enum class WireType : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct ProtoField {
  uint32_t number = 0;
  WireType type = WireType::varint;
  uint64_t value = 0;  // of numbers
  Bytes bytes;         // of bytes, strings and messages, in the reader's input
};

class ProtoReader {
 public:
  explicit ProtoReader(Bytes bytes) : in_(bytes) {}

  bool at_end() const { return in_.left() == 0; }
  uint64_t offset() const { return in_.offset(); }
  // `malformed` for a field number of 0 or beyond 2^29-1, a varint that does not fit 64 bits, a length
  // beyond the end.
  Result<ProtoField> next();

 private:
  Result<uint64_t> varint();
  ByteReader in_;
};

// The field has that type; `malformed` names it otherwise.
Result<void> expect_type(const ProtoField& field, WireType type, std::string_view name);

}  // namespace sotto::attest::google

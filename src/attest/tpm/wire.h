// Bounded reading of a TPM's structures: big-endian numbers and sized buffers [TPM2 Part 2].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sotto::attest::tpm {

// As ByteReader, but big endian.
class WireReader {
 public:
  explicit WireReader(Bytes bytes) : in_(bytes) {}

  uint64_t offset() const { return in_.offset(); }
  uint64_t left() const { return in_.left(); }

  template <class T>
    requires std::is_unsigned_v<T>
  Result<T> read(std::string_view field) {
    T value = TRY(in_.read<T>(field));
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    return value;
  }

  Result<Bytes> take(uint64_t count, std::string_view field) { return in_.take(count, field); }

  // A TPM2B: a 16-bit size of at most `bytes_max`, then that many bytes.
  Result<Bytes> sized(uint16_t bytes_max, std::string_view field) {
    const uint64_t at = offset();
    const uint16_t size = TRY(read<uint16_t>(field));
    if (size > bytes_max) {
      return fail(ErrorKind::malformed, "{} at offset {} has {} bytes, more than {}", field, at,
                  size, bytes_max);
    }
    return in_.take(size, field);
  }

  Result<void> expect_end(std::string_view structure) const {
    if (left() == 0) return {};
    return fail(ErrorKind::malformed, "{} bytes follow the {}, which ends at offset {}", left(),
                structure, offset());
  }

 private:
  ByteReader in_;
};

// The inverse.
class WireWriter {
 public:
  template <class T>
    requires std::is_unsigned_v<T>
  void write(T value) {
    for (size_t i = sizeof(T); i-- > 0;) bytes_.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
  void append(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void sized(Bytes bytes) {
    write(static_cast<uint16_t>(bytes.size()));
    append(bytes);
  }
  std::vector<uint8_t> release() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace sotto::attest::tpm

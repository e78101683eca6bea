// Bounded little-endian reading of untrusted bytes, and the writer that is its inverse.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace sotto {

static_assert(std::endian::native == std::endian::little);

using Bytes = std::span<const uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads forward over borrowed bytes. Every error names the field and the offset at which it began.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  uint64_t offset() const { return offset_; }
  uint64_t left() const { return bytes_.size() - offset_; }

  // An integer or floating-point number of T's size, little endian.
  template <class T>
    requires std::is_arithmetic_v<T>
  Result<T> read(std::string_view field) {
    Bytes bytes = TRY(take(sizeof(T), field));
    T value;
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  // The next `count` bytes, still owned by whoever owns the reader's.
  Result<Bytes> take(uint64_t count, std::string_view field) {
    if (count > left()) {
      return fail(ErrorKind::malformed, "{} at offset {}: {} bytes wanted, {} left", field, offset_,
                  count, left());
    }
    Bytes taken = bytes_.subspan(offset_, count);
    offset_ += count;
    return taken;
  }

 private:
  Bytes bytes_;
  uint64_t offset_ = 0;
};

// Appends to a growing buffer what a ByteReader reads back.
class ByteWriter {
 public:
  template <class T>
    requires std::is_arithmetic_v<T>
  void write(T value) {
    uint8_t raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes_.insert(bytes_.end(), raw, raw + sizeof(T));
  }
  void append(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void append(std::string_view text) { append(as_bytes(text)); }
  void pad_to(uint64_t alignment) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
  }

  uint64_t size() const { return bytes_.size(); }
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  std::vector<uint8_t> release() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace sotto

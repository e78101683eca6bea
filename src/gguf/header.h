// The header of one GGUF file: everything before its tensor data [GGUF].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "gguf/file.h"

namespace sotto::gguf {

inline constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
inline constexpr uint32_t kVersionWritten = 3;
inline constexpr uint32_t kAlignmentDefault = 32;
inline constexpr uint32_t kAlignmentMax = 1 << 16;
inline constexpr uint32_t kDimensionsMax = 4;
inline constexpr uint64_t kTensorNameBytesMax = 64;  // the format's own limit
inline constexpr uint64_t kKeyBytesMax = 65535;      // the format's own limit
inline constexpr uint64_t kMetadataKeysMax = 1 << 14;
inline constexpr uint64_t kTensorsMax = 1 << 16;

// Numbers of GGUF's value types, in the order of Value's and Array's alternatives but for strings
// and arrays, whose numbers stand between.
enum class ValueType : uint32_t {
  uint8 = 0,
  int8 = 1,
  uint16 = 2,
  int16 = 3,
  uint32 = 4,
  int32 = 5,
  float32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  uint64 = 10,
  int64 = 11,
  float64 = 12,
};

template <class T>
constexpr ValueType value_type_of() {
  if constexpr (std::is_same_v<T, uint8_t>) return ValueType::uint8;
  if constexpr (std::is_same_v<T, int8_t>) return ValueType::int8;
  if constexpr (std::is_same_v<T, uint16_t>) return ValueType::uint16;
  if constexpr (std::is_same_v<T, int16_t>) return ValueType::int16;
  if constexpr (std::is_same_v<T, uint32_t>) return ValueType::uint32;
  if constexpr (std::is_same_v<T, int32_t>) return ValueType::int32;
  if constexpr (std::is_same_v<T, float>) return ValueType::float32;
  if constexpr (std::is_same_v<T, bool>) return ValueType::boolean;
  if constexpr (std::is_same_v<T, std::string>) return ValueType::string;
  if constexpr (std::is_same_v<T, Array>) return ValueType::array;
  if constexpr (std::is_same_v<T, uint64_t>) return ValueType::uint64;
  if constexpr (std::is_same_v<T, int64_t>) return ValueType::int64;
  return ValueType::float64;
}

struct Header {
  uint32_t version = 0;
  uint32_t alignment = 0;
  Metadata metadata;
  std::vector<TensorInfo> tensors;  // `file` is 0 in all of them
  uint64_t bytes = 0;               // before the padding in front of the tensor data
};

// The header at the start of `bytes`; the file has `file_bytes` in all. `exhausted` when the header
// goes on beyond `bytes` but may still end inside the file.
Result<Header> read_header(Bytes bytes, uint64_t file_bytes);

// Names of keys and tensors: 1 to `bytes_max` printable ASCII characters.
Result<void> check_name(std::string_view name, uint64_t bytes_max, std::string_view field);

// Alignments that the format allows: powers of two from 8 on, and not absurdly large.
Result<void> check_alignment(uint64_t alignment);

// The bytes of a tensor of that type and shape. `malformed` for a bad number of dimensions, a zero
// or a size beyond 2^63, and for rows that are not whole blocks.
Result<uint64_t> tensor_bytes(const TypeTraits& type, const std::vector<uint64_t>& shape);

}  // namespace sotto::gguf

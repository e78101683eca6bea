// One description of each interleaved layout: which bits of a file's block go where.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "gguf/types.h"

namespace sotto::kernels {

// How a plane of codes stands in a file's block: where column c's bits are.
enum class CodeOrder : uint8_t {
  nibbles_32,   // 16 bytes for 32 columns, the first 16 in the low halves
  nibbles_64,   // 32 bytes for 64 columns, the first 32 in the low halves
  nibbles_128,  // 64 bytes for 128 columns, the first 64 in the low halves
  crumbs_128,   // 32 bytes for 128 columns, the first 32 in the lowest two bits
  bits_256,     // 32 bytes for 256 columns, the first 32 in the lowest bits
  bits_32,      // 4 bytes for 32 columns, in order
  bytes,        // signed; packed with 128 added, quad i beside quad i + 4
};

struct Plane {
  CodeOrder order;
  uint16_t file_offset;
  uint16_t packed_offset;
  uint16_t sub_stride;  // from one 32 columns to the next
};

// `count` times 2 or 4 bytes of a row's block, each packed as [16 rows].
struct Field {
  uint8_t bytes;
  uint16_t file_offset;
  uint16_t packed_offset;
  uint8_t count = 1;
  uint8_t file_stride = 4;      // from one to the next
  uint16_t packed_stride = 64;  // likewise
  uint8_t file_step = 1;        // from byte to byte of one
};

inline constexpr uint16_t kScaleInside = 0xffff;  // else the half stands in front

struct PackedFormat {
  gguf::TensorType type;
  uint16_t packed_bytes;  // of 16 rows' blocks, without scales that stand in front
  uint16_t scale_front;   // offset in the file's block of the half that does, or kScaleInside
  std::span<const Field> fields;
  std::span<const Plane> planes;
};

// Where block b of a group begins, and where its 16 half scales are that stand in front.
static constexpr uint64_t block_offset(uint64_t packed_bytes, bool front, uint64_t b) {
  return packed_bytes * b + (front ? 64 * (b / 2 + 1) : 0);
}
static constexpr uint64_t scale_offset(uint64_t packed_bytes, uint64_t b) {
  return (2 * packed_bytes + 64) * (b / 2) + 32 * (b % 2);
}

// nullptr for floating-point types, whose elements lie [column][row].
const PackedFormat* packed_format(gguf::TensorType type);

// One row's block to its place in the packed block of 16 rows, which is written once and not read;
// and back.
void pack_block(const PackedFormat& format, const uint8_t* file, uint32_t row, uint8_t* packed);
void unpack_block(const PackedFormat& format, const uint8_t* packed, uint32_t row, uint8_t* file);

}  // namespace sotto::kernels

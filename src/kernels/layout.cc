// Packing rows of a GGUF file into interleaved groups, and back.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/layout.h"

#include <cstring>

#include "base/check.h"
#include "gguf/blocks.h"
#include "kernels/packed_format.h"

namespace sotto::kernels {
namespace {

using gguf::TensorType;

constexpr uint32_t kRows = kGroupRows;

uint32_t blocks_of(TensorType type, uint32_t columns) {
  return columns / gguf::traits(type).block_elements;
}

uint64_t row_bytes(TensorType type, uint32_t columns) {
  return uint64_t{blocks_of(type, columns)} * gguf::traits(type).block_bytes;
}

void pack_row(const PackedFormat& format, const uint8_t* from, uint32_t blocks, uint32_t row,
              uint8_t* group) {
  const uint32_t bytes = gguf::traits(format.type).block_bytes;
  for (uint32_t b = 0; b < blocks; ++b, from += bytes) {
    const bool front = format.scale_front != kScaleInside;
    pack_block(format, from, row, group + block_offset(format.packed_bytes, front, b));
    if (!front) continue;
    std::memcpy(group + scale_offset(format.packed_bytes, b) + 2 * row, from + format.scale_front,
                2);
  }
}

// Floating-point types: element (row, column) at [column][row].
template <class Element>
void pack_columns(uint32_t columns, const uint8_t* rows, uint32_t row_count, uint8_t* group) {
  for (uint32_t row = 0; row < row_count; ++row) {
    const uint8_t* from = rows + uint64_t{row} * columns * sizeof(Element);
    uint8_t* to = group + row * sizeof(Element);
    for (uint32_t column = 0; column < columns; ++column) {
      std::memcpy(to + uint64_t{column} * kRows * sizeof(Element),
                  from + uint64_t{column} * sizeof(Element), sizeof(Element));
    }
  }
}

}  // namespace

uint64_t group_bytes(TensorType type, uint32_t columns) {
  return (kRows * row_bytes(type, columns) + 63) / 64 * 64;
}

void pack_group(TensorType type, uint32_t columns, const uint8_t* file_rows, uint32_t rows,
                uint8_t* group) {
  CHECK(rows >= 1 && rows <= kRows);
  const uint32_t blocks = blocks_of(type, columns);
  const uint64_t stride = row_bytes(type, columns);
  // Zero bytes are a zero weight in every format but Q8_0's packed form, where scale 0 makes it so.
  if (rows < kRows) std::memset(group, 0, group_bytes(type, columns));
  if (type == TensorType::F32) return pack_columns<float>(columns, file_rows, rows, group);
  if (type == TensorType::F16 || type == TensorType::BF16) {
    return pack_columns<uint16_t>(columns, file_rows, rows, group);
  }
  const PackedFormat* format = packed_format(type);
  CHECK(format != nullptr);
  for (uint32_t row = 0; row < rows; ++row) {
    pack_row(*format, file_rows + row * stride, blocks, row, group);
  }
}

void unpack_block(TensorType type, const uint8_t* group, uint32_t row, uint32_t block,
                  uint8_t* file_block) {
  const uint32_t bytes = gguf::traits(type).block_bytes;
  if (const PackedFormat* format = packed_format(type)) {
    const bool front = format->scale_front != kScaleInside;
    unpack_block(*format, group + block_offset(format->packed_bytes, front, block), row,
                 file_block);
    if (front) {
      std::memcpy(file_block + format->scale_front,
                  group + scale_offset(format->packed_bytes, block) + 2 * row, 2);
    }
  } else {
    std::memcpy(file_block, group + (uint64_t{block} * kRows + row) * bytes, bytes);
  }
}

void dequantize_row(const Matrix& matrix, uint32_t row, float* out) {
  const gguf::TypeTraits& type = gguf::traits(matrix.type);
  const uint8_t* group = matrix.data + uint64_t{row / kRows} * matrix.group_bytes;
  uint8_t block[256];
  CHECK(type.block_bytes <= sizeof(block));
  for (uint32_t b = 0; b < matrix.columns / type.block_elements; ++b) {
    unpack_block(matrix.type, group, row % kRows, b, block);
    gguf::dequantize(matrix.type, block, type.block_elements, out + b * type.block_elements);
  }
}

}  // namespace sotto::kernels

// Packing rows of a GGUF file into interleaved groups, and back.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/layout.h"

#include <cstddef>
#include <cstring>

#include "base/check.h"
#include "gguf/blocks.h"

namespace sotto::kernels {
namespace {

using gguf::TensorType;

constexpr uint32_t kRows = kGroupRows;

// The file's blocks, as far as packing must look into them.
struct FileQ4K {
  uint16_t scale, min_scale;
  uint8_t sub_scales[12];
  uint8_t quants[128];  // byte 32g + i: columns 64g + i (low nibble) and 64g + 32 + i (high)
};
struct FileQ6K {
  uint8_t low[128];
  uint8_t high[64];
  int8_t sub_scales[16];
  uint16_t scale;
};
struct FileQ80 {
  uint16_t scale;
  int8_t quants[32];
};
static_assert(sizeof(FileQ4K) == 144 && sizeof(FileQ6K) == 210 && sizeof(FileQ80) == 34);

// Where column c of a 256-block stands in the registers of PackedQ4K and PackedQ6K::low.
struct NibblePlace {
  uint32_t reg;    // register
  uint32_t byte;   // in the row's dword
  uint32_t shift;  // 0 or 4
};
NibblePlace nibble_place(uint32_t column) {
  const uint32_t quad = column / 4, sub_block = quad / 8, in_sub = quad % 8;
  return {4 * sub_block + in_sub % 4, column % 4, in_sub < 4 ? 0u : 4u};
}

// And where its upper two bits stand in PackedQ6K::high.
struct CrumbPlace {
  uint32_t reg;
  uint32_t shift;
};
CrumbPlace crumb_place(const NibblePlace& low) {
  return {low.reg / 2, (low.reg % 2) * 4 + low.shift / 2};
}

// Byte and shift of column c in FileQ4K::quants.
uint32_t file_q4k_byte(uint32_t column) {
  return column / 64 * 32 + column % 32;
}
uint32_t file_q4k_shift(uint32_t column) {
  return column % 64 < 32 ? 0 : 4;
}

// The same in FileQ6K: 128 columns take 64 bytes of low nibbles and 32 of crumbs.
uint32_t file_q6k_low_byte(uint32_t column) {
  return column / 128 * 64 + column % 64;
}
uint32_t file_q6k_low_shift(uint32_t column) {
  return column % 128 < 64 ? 0 : 4;
}
uint32_t file_q6k_high_byte(uint32_t column) {
  return column / 128 * 32 + column % 32;
}
uint32_t file_q6k_high_shift(uint32_t column) {
  return column % 128 / 32 * 2;
}

uint32_t blocks_of(TensorType type, uint32_t columns) {
  return columns / gguf::traits(type).block_elements;
}

uint64_t row_bytes(TensorType type, uint32_t columns) {
  return uint64_t{blocks_of(type, columns)} * gguf::traits(type).block_bytes;
}

uint32_t dword_at(const uint8_t* at) {
  uint32_t word;
  std::memcpy(&word, at, 4);
  return word;
}

void put_dword(uint8_t* at, uint32_t word) {
  std::memcpy(at, &word, 4);
}

// The low nibbles of a and, above them, those of b.
uint32_t join_nibbles(uint32_t a, uint32_t b) {
  return (a & 0x0f0f0f0f) | (b & 0x0f0f0f0f) << 4;
}

// Packing writes every dword of the row once; the places are those of nibble_place() and crumb_place(),
// taken a sub-block of 32 columns at a time because loading a model waits for this.
void pack_q4k(const uint8_t* file_block, uint32_t row, PackedQ4K& to) {
  std::memcpy(&to.scale[row], file_block + offsetof(FileQ4K, scale), 2);
  std::memcpy(&to.min_scale[row], file_block + offsetof(FileQ4K, min_scale), 2);
  for (uint32_t i = 0; i < 3; ++i) {
    to.sub_scales[i][row] = dword_at(file_block + offsetof(FileQ4K, sub_scales) + 4 * i);
  }
  for (uint32_t sub = 0; sub < 8; ++sub) {
    const uint8_t* bytes = file_block + offsetof(FileQ4K, quants) + 32 * (sub / 2);
    const uint32_t shift = 4 * (sub % 2);
    for (uint32_t i = 0; i < 4; ++i) {
      const uint32_t first = dword_at(bytes + 4 * i) >> shift;
      const uint32_t second = dword_at(bytes + 16 + 4 * i) >> shift;
      put_dword(to.quants[4 * sub + i] + 4 * row, join_nibbles(first, second));
    }
  }
}

void unpack_q4k(const PackedQ4K& from, uint32_t row, FileQ4K& to) {
  to.scale = from.scale[row];
  to.min_scale = from.min_scale[row];
  for (uint32_t i = 0; i < 3; ++i) std::memcpy(to.sub_scales + 4 * i, &from.sub_scales[i][row], 4);
  std::memset(to.quants, 0, sizeof(to.quants));
  for (uint32_t column = 0; column < 256; ++column) {
    const NibblePlace place = nibble_place(column);
    const uint32_t value = from.quants[place.reg][4 * row + place.byte] >> place.shift & 15;
    to.quants[file_q4k_byte(column)] |= static_cast<uint8_t>(value << file_q4k_shift(column));
  }
}

void pack_q6k(const uint8_t* file_block, uint32_t row, PackedQ6K& to) {
  for (uint32_t i = 0; i < 4; ++i) {
    to.sub_scales[i][row] = dword_at(file_block + offsetof(FileQ6K, sub_scales) + 4 * i);
  }
  for (uint32_t sub = 0; sub < 8; ++sub) {
    const uint8_t* low = file_block + offsetof(FileQ6K, low) + 64 * (sub / 4) + 32 * (sub % 2);
    const uint8_t* high = file_block + offsetof(FileQ6K, high) + 32 * (sub / 4);
    const uint32_t low_shift = 4 * (sub % 4 / 2), high_shift = 2 * (sub % 4);
    uint32_t crumbs[4];
    for (uint32_t i = 0; i < 4; ++i) {
      const uint32_t first = dword_at(low + 4 * i) >> low_shift;
      const uint32_t second = dword_at(low + 16 + 4 * i) >> low_shift;
      put_dword(to.low[4 * sub + i] + 4 * row, join_nibbles(first, second));
      crumbs[i] = (dword_at(high + 4 * i) >> high_shift & 0x03030303) |
                  (dword_at(high + 16 + 4 * i) >> high_shift & 0x03030303) << 2;
    }
    put_dword(to.high[2 * sub] + 4 * row, crumbs[0] | crumbs[1] << 4);
    put_dword(to.high[2 * sub + 1] + 4 * row, crumbs[2] | crumbs[3] << 4);
  }
}

void unpack_q6k(const PackedQ6K& from, uint32_t row, FileQ6K& to) {
  for (uint32_t i = 0; i < 4; ++i) std::memcpy(to.sub_scales + 4 * i, &from.sub_scales[i][row], 4);
  std::memset(to.low, 0, sizeof(to.low));
  std::memset(to.high, 0, sizeof(to.high));
  for (uint32_t column = 0; column < 256; ++column) {
    const NibblePlace low = nibble_place(column);
    const CrumbPlace high = crumb_place(low);
    const uint32_t nibble = from.low[low.reg][4 * row + low.byte] >> low.shift & 15;
    const uint32_t crumb = from.high[high.reg][4 * row + low.byte] >> high.shift & 3;
    to.low[file_q6k_low_byte(column)] |= static_cast<uint8_t>(nibble << file_q6k_low_shift(column));
    to.high[file_q6k_high_byte(column)] |=
        static_cast<uint8_t>(crumb << file_q6k_high_shift(column));
  }
}

template <class Packed>
uint16_t* trailing_scales(uint8_t* group, uint32_t blocks) {
  return reinterpret_cast<uint16_t*>(group + sizeof(Packed) * blocks);
}
template <class Packed>
const uint16_t* trailing_scales(const uint8_t* group, uint32_t blocks) {
  return reinterpret_cast<const uint16_t*>(group + sizeof(Packed) * blocks);
}

void pack_row_q4k(const uint8_t* from, uint32_t blocks, uint32_t row, uint8_t* group) {
  for (uint32_t b = 0; b < blocks; ++b) {
    pack_q4k(from + b * sizeof(FileQ4K), row, reinterpret_cast<PackedQ4K*>(group)[b]);
  }
}

void pack_row_q6k(const uint8_t* from, uint32_t blocks, uint32_t row, uint8_t* group) {
  for (uint32_t b = 0; b < blocks; ++b) {
    const uint8_t* block = from + b * sizeof(FileQ6K);
    pack_q6k(block, row, reinterpret_cast<PackedQ6K*>(group)[b]);
    std::memcpy(&trailing_scales<PackedQ6K>(group, blocks)[kRows * b + row],
                block + offsetof(FileQ6K, scale), 2);
  }
}

void pack_row_q80(const uint8_t* from, uint32_t blocks, uint32_t row, uint8_t* group) {
  for (uint32_t b = 0; b < blocks; ++b) {
    const uint8_t* block = from + b * sizeof(FileQ80);
    std::memcpy(&trailing_scales<PackedQ80>(group, blocks)[kRows * b + row], block, 2);
    const uint8_t* quants = block + offsetof(FileQ80, quants);
    PackedQ80& packed = reinterpret_cast<PackedQ80*>(group)[b];
    for (uint32_t quad = 0; quad < 8; ++quad) {
      put_dword(packed.quants[quad] + 4 * row, dword_at(quants + 4 * quad) ^ 0x80808080);
    }
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
  for (uint32_t row = 0; row < rows; ++row) {
    const uint8_t* from = file_rows + row * stride;
    switch (type) {
      case TensorType::Q4_K:
        pack_row_q4k(from, blocks, row, group);
        break;
      case TensorType::Q6_K:
        pack_row_q6k(from, blocks, row, group);
        break;
      case TensorType::Q8_0:
        pack_row_q80(from, blocks, row, group);
        break;
      default:
        std::memcpy(group + row * stride, from, stride);
    }
  }
}

void unpack_block(TensorType type, uint32_t columns, const uint8_t* group, uint32_t row,
                  uint32_t block, uint8_t* file_block) {
  const uint32_t blocks = blocks_of(type, columns);
  const uint32_t bytes = gguf::traits(type).block_bytes;
  switch (type) {
    case TensorType::Q4_K: {
      FileQ4K file;
      unpack_q4k(reinterpret_cast<const PackedQ4K*>(group)[block], row, file);
      std::memcpy(file_block, &file, sizeof(file));
      return;
    }
    case TensorType::Q6_K: {
      FileQ6K file;
      unpack_q6k(reinterpret_cast<const PackedQ6K*>(group)[block], row, file);
      file.scale = trailing_scales<PackedQ6K>(group, blocks)[kRows * block + row];
      std::memcpy(file_block, &file, sizeof(file));
      return;
    }
    case TensorType::Q8_0: {
      FileQ80 file;
      file.scale = trailing_scales<PackedQ80>(group, blocks)[kRows * block + row];
      const PackedQ80& packed = reinterpret_cast<const PackedQ80*>(group)[block];
      for (uint32_t i = 0; i < 32; ++i) {
        file.quants[i] = static_cast<int8_t>(packed.quants[i / 4][4 * row + i % 4] ^ 0x80);
      }
      std::memcpy(file_block, &file, sizeof(file));
      return;
    }
    case TensorType::F32:
    case TensorType::F16:
    case TensorType::BF16:
      std::memcpy(file_block, group + (uint64_t{block} * kRows + row) * bytes, bytes);
      return;
    default:
      std::memcpy(file_block, group + (uint64_t{row} * blocks + block) * bytes, bytes);
  }
}

void dequantize_row(const Matrix& matrix, uint32_t row, float* out) {
  const gguf::TypeTraits& type = gguf::traits(matrix.type);
  const uint8_t* group = matrix.data + uint64_t{row / kRows} * matrix.group_bytes;
  uint8_t block[256];
  static_assert(sizeof(FileQ6K) <= sizeof(block));
  CHECK(type.block_bytes <= sizeof(block));
  for (uint32_t b = 0; b < matrix.columns / type.block_elements; ++b) {
    unpack_block(matrix.type, matrix.columns, group, row % kRows, b, block);
    gguf::dequantize(matrix.type, block, type.block_elements, out + b * type.block_elements);
  }
}

}  // namespace sotto::kernels

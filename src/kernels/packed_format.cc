// The interleaved layouts as tables, and moving bits by them.
// SPDX-License-Identifier: Apache-2.0
#include "kernels/packed_format.h"

#include <cstddef>
#include <cstring>

#include "kernels/layout.h"

namespace sotto::kernels {
namespace {

using gguf::TensorType;
using enum CodeOrder;

constexpr Field kFieldsQ2K[] = {
    {2, 80, offsetof(PackedQ2K, scale)},        {2, 82, offsetof(PackedQ2K, min_scale)},
    {4, 0, offsetof(PackedQ2K, sub_scales[0])}, {4, 4, offsetof(PackedQ2K, sub_scales[1])},
    {4, 8, offsetof(PackedQ2K, sub_scales[2])}, {4, 12, offsetof(PackedQ2K, sub_scales[3])}};
constexpr Plane kPlanesQ2K[] = {{crumbs_128, 16, offsetof(PackedQ2K, crumbs), 128}};

constexpr Field kFieldsQ3K[] = {{4, 96, offsetof(PackedQ3K, sub_scales[0])},
                                {4, 100, offsetof(PackedQ3K, sub_scales[1])},
                                {4, 104, offsetof(PackedQ3K, sub_scales[2])}};
constexpr Plane kPlanesQ3K[] = {{bits_256, 0, offsetof(PackedQ3K, subs[0].third), 192},
                                {crumbs_128, 32, offsetof(PackedQ3K, subs[0].crumbs), 192}};

constexpr Field kFieldsQ4K[] = {{2, 0, offsetof(PackedQ4K, scale)},
                                {2, 2, offsetof(PackedQ4K, min_scale)},
                                {4, 4, offsetof(PackedQ4K, sub_scales[0])},
                                {4, 8, offsetof(PackedQ4K, sub_scales[1])},
                                {4, 12, offsetof(PackedQ4K, sub_scales[2])}};
constexpr Plane kPlanesQ4K[] = {{nibbles_64, 16, offsetof(PackedQ4K, quants), 256}};

constexpr Field kFieldsQ5K[] = {{2, 0, offsetof(PackedQ5K, scale)},
                                {2, 2, offsetof(PackedQ5K, min_scale)},
                                {4, 4, offsetof(PackedQ5K, sub_scales[0])},
                                {4, 8, offsetof(PackedQ5K, sub_scales[1])},
                                {4, 12, offsetof(PackedQ5K, sub_scales[2])}};
constexpr Plane kPlanesQ5K[] = {{bits_256, 16, offsetof(PackedQ5K, subs[0].fifth), 320},
                                {nibbles_64, 48, offsetof(PackedQ5K, subs[0].quants), 320}};

constexpr Field kFieldsQ6K[] = {{4, 192, offsetof(PackedQ6K, sub_scales[0])},
                                {4, 196, offsetof(PackedQ6K, sub_scales[1])},
                                {4, 200, offsetof(PackedQ6K, sub_scales[2])},
                                {4, 204, offsetof(PackedQ6K, sub_scales[3])}};
constexpr Plane kPlanesQ6K[] = {{crumbs_128, 128, offsetof(PackedQ6K, subs[0].high), 384},
                                {nibbles_128, 0, offsetof(PackedQ6K, subs[0].low), 384}};

constexpr Field kFieldsIQ4XS[] = {{2, 0, offsetof(PackedIQ4XS, scale)},
                                  {2, 2, offsetof(PackedIQ4XS, scales_high)},
                                  {4, 4, offsetof(PackedIQ4XS, scales_low)}};
constexpr Plane kPlanesIQ4XS[] = {{nibbles_32, 8, offsetof(PackedIQ4XS, quants), 256}};

constexpr Plane kPlanesTQ20[] = {{crumbs_128, 0, offsetof(PackedTQ20, crumbs), 128}};

constexpr Plane kPlanesQ40[] = {{nibbles_32, 2, offsetof(PackedQ40, quants), 256}};
constexpr Field kFieldsQ41[] = {{2, 0, offsetof(PackedQ41, scale)},
                                {2, 2, offsetof(PackedQ41, min_scale)}};
constexpr Plane kPlanesQ41[] = {{nibbles_32, 4, offsetof(PackedQ41, quants), 256}};
constexpr Plane kPlanesQ50[] = {{bits_32, 2, offsetof(PackedQ50, fifth), 64},
                                {nibbles_32, 6, offsetof(PackedQ50, quants), 256}};
constexpr Field kFieldsQ51[] = {{2, 0, offsetof(PackedQ51, scale)},
                                {2, 2, offsetof(PackedQ51, min_scale)}};
constexpr Plane kPlanesQ51[] = {{bits_32, 4, offsetof(PackedQ51, fifth), 64},
                                {nibbles_32, 8, offsetof(PackedQ51, quants), 256}};
constexpr Plane kPlanesQ80[] = {{bytes, 2, offsetof(PackedQ80, quants), 512}};

// The codebook formats and TQ1_0: what the file has, by the four bytes.
constexpr Field kFieldsIQ2XXS[] = {{4, 2, offsetof(PackedIQ2XXS, subs[0].indices), 8, 8, 128},
                                   {4, 6, offsetof(PackedIQ2XXS, subs[0].signs), 8, 8, 128}};
constexpr Field kFieldsIQ2XS[] = {{4, 66, offsetof(PackedIQ2XS, sub_scales), 2},
                                  {4, 2, offsetof(PackedIQ2XS, subs[0].low), 8, 8, 128, 2},
                                  {4, 3, offsetof(PackedIQ2XS, subs[0].high), 8, 8, 128, 2}};
constexpr Field kFieldsIQ2S[] = {{4, 74, offsetof(PackedIQ2S, sub_scales), 2},
                                 {4, 66, offsetof(PackedIQ2S, high), 2},
                                 {4, 2, offsetof(PackedIQ2S, subs[0].low), 8, 4, 128},
                                 {4, 34, offsetof(PackedIQ2S, subs[0].signs), 8, 4, 128}};
constexpr Field kFieldsIQ3XXS[] = {{4, 66, offsetof(PackedIQ3XXS, subs[0].signs), 8, 4, 192},
                                   {4, 2, offsetof(PackedIQ3XXS, subs[0].indices[0]), 8, 8, 192},
                                   {4, 6, offsetof(PackedIQ3XXS, subs[0].indices[1]), 8, 8, 192}};
constexpr Field kFieldsIQ3S[] = {{4, 106, offsetof(PackedIQ3S, sub_scales)},
                                 {4, 66, offsetof(PackedIQ3S, high), 2},
                                 {4, 74, offsetof(PackedIQ3S, subs[0].signs), 8, 4, 192},
                                 {4, 2, offsetof(PackedIQ3S, subs[0].low[0]), 8, 8, 192},
                                 {4, 6, offsetof(PackedIQ3S, subs[0].low[1]), 8, 8, 192}};
constexpr Field kFieldsIQ1S[] = {{4, 34, offsetof(PackedIQ1S, pairs[0].high), 4, 4, 192},
                                 {4, 2, offsetof(PackedIQ1S, pairs[0].low[0]), 4, 8, 192},
                                 {4, 6, offsetof(PackedIQ1S, pairs[0].low[1]), 4, 8, 192}};
constexpr Field kFieldsIQ1M[] = {{4, 48, offsetof(PackedIQ1M, sub_scales), 2},
                                 {4, 32, offsetof(PackedIQ1M, pairs[0].high), 4, 4, 192},
                                 {4, 0, offsetof(PackedIQ1M, pairs[0].low[0]), 4, 8, 192},
                                 {4, 4, offsetof(PackedIQ1M, pairs[0].low[1]), 4, 8, 192}};
constexpr Field kFieldsTQ10[] = {{4, 0, offsetof(PackedTQ10, digits), 13}};

constexpr PackedFormat kFormats[] = {
    {TensorType::Q2_K, sizeof(PackedQ2K), kScaleInside, kFieldsQ2K, kPlanesQ2K},
    {TensorType::Q3_K, sizeof(PackedQ3K), 108, kFieldsQ3K, kPlanesQ3K},
    {TensorType::Q4_K, sizeof(PackedQ4K), kScaleInside, kFieldsQ4K, kPlanesQ4K},
    {TensorType::Q5_K, sizeof(PackedQ5K), kScaleInside, kFieldsQ5K, kPlanesQ5K},
    {TensorType::Q6_K, sizeof(PackedQ6K), 208, kFieldsQ6K, kPlanesQ6K},
    {TensorType::IQ4_XS, sizeof(PackedIQ4XS), kScaleInside, kFieldsIQ4XS, kPlanesIQ4XS},
    {TensorType::TQ2_0, sizeof(PackedTQ20), 64, {}, kPlanesTQ20},
    {TensorType::Q4_0, sizeof(PackedQ40), 0, {}, kPlanesQ40},
    {TensorType::IQ4_NL, sizeof(PackedQ40), 0, {}, kPlanesQ40},
    {TensorType::Q4_1, sizeof(PackedQ41), kScaleInside, kFieldsQ41, kPlanesQ41},
    {TensorType::Q5_0, sizeof(PackedQ50), 0, {}, kPlanesQ50},
    {TensorType::Q5_1, sizeof(PackedQ51), kScaleInside, kFieldsQ51, kPlanesQ51},
    {TensorType::Q8_0, sizeof(PackedQ80), 0, {}, kPlanesQ80},
    {TensorType::IQ2_XXS, sizeof(PackedIQ2XXS), 0, kFieldsIQ2XXS, {}},
    {TensorType::IQ2_XS, sizeof(PackedIQ2XS), 0, kFieldsIQ2XS, {}},
    {TensorType::IQ2_S, sizeof(PackedIQ2S), 0, kFieldsIQ2S, {}},
    {TensorType::IQ3_XXS, sizeof(PackedIQ3XXS), 0, kFieldsIQ3XXS, {}},
    {TensorType::IQ3_S, sizeof(PackedIQ3S), 0, kFieldsIQ3S, {}},
    {TensorType::IQ1_S, sizeof(PackedIQ1S), 0, kFieldsIQ1S, {}},
    {TensorType::IQ1_M, sizeof(PackedIQ1M), kScaleInside, kFieldsIQ1M, {}},
    {TensorType::TQ1_0, sizeof(PackedTQ10), 52, kFieldsTQ10, {}},
};

uint32_t dword_at(const uint8_t* at) {
  uint32_t word;
  std::memcpy(&word, at, 4);
  return word;
}

void put_dword(uint8_t* at, uint32_t word) {
  std::memcpy(at, &word, 4);
}

void pack_field(const Field& field, const uint8_t* file, uint32_t row, uint8_t* packed) {
  const uint8_t* from = file + field.file_offset;
  uint8_t* to = packed + field.packed_offset + row * field.bytes;
  for (uint32_t i = 0; i < field.count; ++i) {
    for (uint32_t byte = 0; byte < field.bytes; ++byte) to[byte] = from[byte * field.file_step];
    from += field.file_stride;
    to += field.packed_stride;
  }
}

void unpack_field(const Field& field, const uint8_t* packed, uint32_t row, uint8_t* file) {
  const uint8_t* from = packed + field.packed_offset + row * field.bytes;
  uint8_t* to = file + field.file_offset;
  for (uint32_t i = 0; i < field.count; ++i) {
    for (uint32_t byte = 0; byte < field.bytes; ++byte) to[byte * field.file_step] = from[byte];
    from += field.packed_stride;
    to += field.file_stride;
  }
}

constexpr uint32_t bits_of(CodeOrder order) {
  switch (order) {
    case nibbles_32:
    case nibbles_64:
    case nibbles_128:
      return 4;
    case crumbs_128:
      return 2;
    case bits_256:
    case bits_32:
      return 1;
    case bytes:
      return 8;
  }
  return 0;
}

struct Place {
  uint32_t at;     // byte in the file's plane; register in the packed one
  uint32_t shift;  // in each byte
};

// Where the quad from `column` on begins in the file: its codes are in 4 consecutive bytes.
constexpr Place file_place(CodeOrder order, uint32_t column) {
  switch (order) {
    case nibbles_32:
      return {column / 32 * 16 + column % 16, column % 32 / 16 * 4};
    case nibbles_64:
      return {column / 64 * 32 + column % 32, column % 64 / 32 * 4};
    case nibbles_128:
      return {column / 128 * 64 + column % 64, column % 128 / 64 * 4};
    case crumbs_128:
      return {column / 128 * 32 + column % 32, column % 128 / 32 * 2};
    case bits_256:
      return {column % 32, column / 32};
    case bits_32:
      return {0, column % 32};  // of the dword: see below
    case bytes:
      return {column, 0};
  }
  return {};
}

// And in the packed plane, of `bits` bits, within the 32 columns that quad q (of 8) belongs to.
constexpr Place packed_place(uint32_t bits, uint32_t q) {
  switch (bits) {
    case 8:
      return {q % 4 * 2 + q / 4, 0};
    case 4:
      return {q % 4, q / 4 * 4};
    case 2:
      return {q % 4 / 2, q % 2 * 4 + q / 4 * 2};
    default:
      return {0, q};
  }
}

template <CodeOrder order>
uint32_t file_quad(const uint8_t* plane, uint32_t column) {
  constexpr uint32_t kMask = 0x01010101u * ((1u << bits_of(order)) - 1);
  const Place place = file_place(order, column);
  if constexpr (order == bits_32) {  // four bits to the lowest bits of four bytes
    return (dword_at(plane) >> place.shift & 15) * 0x00204081u & kMask;
  }
  const uint32_t quad = dword_at(plane + place.at) >> place.shift & kMask;
  return order == bytes ? quad ^ 0x80808080u : quad;
}

template <CodeOrder order>
void add_file_quad(uint8_t* plane, uint32_t column, uint32_t quad) {
  const Place place = file_place(order, column);
  if constexpr (order == bits_32) {
    const uint32_t four = (quad * 0x01020408u >> 24) & 15;
    return put_dword(plane, dword_at(plane) | four << place.shift);
  }
  if (order == bytes) quad ^= 0x80808080u;
  put_dword(plane + place.at, dword_at(plane + place.at) | quad << place.shift);
}

template <CodeOrder order>
void pack_plane(const Plane& plane, const uint8_t* file, uint32_t columns, uint32_t row,
                uint8_t* packed) {
  file += plane.file_offset;
  packed += plane.packed_offset + 4 * row;
  constexpr uint32_t kBits = bits_of(order);
  for (uint32_t sub = 0; sub < columns / 32; ++sub) {
    uint32_t registers[kBits] = {};
    for (uint32_t q = 0; q < 8; ++q) {
      const Place to = packed_place(kBits, q);
      registers[to.at] |= file_quad<order>(file, 32 * sub + 4 * q) << to.shift;
    }
    for (uint32_t i = 0; i < kBits; ++i) {
      put_dword(packed + plane.sub_stride * sub + 64 * i, registers[i]);
    }
  }
}

template <CodeOrder order>
void unpack_plane(const Plane& plane, const uint8_t* packed, uint32_t columns, uint32_t row,
                  uint8_t* file) {
  file += plane.file_offset;
  packed += plane.packed_offset + 4 * row;
  constexpr uint32_t kBits = bits_of(order);
  constexpr uint32_t kMask = 0x01010101u * ((1u << kBits) - 1);
  for (uint32_t sub = 0; sub < columns / 32; ++sub) {
    for (uint32_t q = 0; q < 8; ++q) {
      const Place from = packed_place(kBits, q);
      const uint32_t word = dword_at(packed + plane.sub_stride * sub + 64 * from.at);
      add_file_quad<order>(file, 32 * sub + 4 * q, word >> from.shift & kMask);
    }
  }
}

}  // namespace

const PackedFormat* packed_format(TensorType type) {
  for (const PackedFormat& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

void pack_block(const PackedFormat& format, const uint8_t* file, uint32_t row, uint8_t* packed) {
  for (const Field& field : format.fields) pack_field(field, file, row, packed);
  const uint32_t columns = gguf::traits(format.type).block_elements;
  for (const Plane& plane : format.planes) {
    switch (plane.order) {
      case nibbles_32:
        pack_plane<nibbles_32>(plane, file, columns, row, packed);
        break;
      case nibbles_64:
        pack_plane<nibbles_64>(plane, file, columns, row, packed);
        break;
      case nibbles_128:
        pack_plane<nibbles_128>(plane, file, columns, row, packed);
        break;
      case crumbs_128:
        pack_plane<crumbs_128>(plane, file, columns, row, packed);
        break;
      case bits_256:
        pack_plane<bits_256>(plane, file, columns, row, packed);
        break;
      case bits_32:
        pack_plane<bits_32>(plane, file, columns, row, packed);
        break;
      case bytes:
        pack_plane<bytes>(plane, file, columns, row, packed);
        break;
    }
  }
}

void unpack_block(const PackedFormat& format, const uint8_t* packed, uint32_t row, uint8_t* file) {
  const gguf::TypeTraits& type = gguf::traits(format.type);
  std::memset(file, 0, type.block_bytes);
  for (const Field& field : format.fields) unpack_field(field, packed, row, file);
  const uint32_t columns = type.block_elements;
  for (const Plane& plane : format.planes) {
    switch (plane.order) {
      case nibbles_32:
        unpack_plane<nibbles_32>(plane, packed, columns, row, file);
        break;
      case nibbles_64:
        unpack_plane<nibbles_64>(plane, packed, columns, row, file);
        break;
      case nibbles_128:
        unpack_plane<nibbles_128>(plane, packed, columns, row, file);
        break;
      case crumbs_128:
        unpack_plane<crumbs_128>(plane, packed, columns, row, file);
        break;
      case bits_256:
        unpack_plane<bits_256>(plane, packed, columns, row, file);
        break;
      case bits_32:
        unpack_plane<bits_32>(plane, packed, columns, row, file);
        break;
      case bytes:
        unpack_plane<bytes>(plane, packed, columns, row, file);
        break;
    }
  }
}

}  // namespace sotto::kernels

// For tests of products: random weights in their packed layout, and random activations.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "gguf/blocks.h"
#include "kernels/kernels.h"
#include "kernels/layout.h"

namespace sotto::kernels {

// 64-byte aligned, as group data must be.
struct Aligned {
  explicit Aligned(uint64_t bytes) : storage(bytes + 64) {}
  uint8_t* data() {
    const auto address = reinterpret_cast<uintptr_t>(storage.data());
    return storage.data() + ((64 - address % 64) % 64);
  }
  std::vector<uint8_t> storage;
};

struct Random {
  std::mt19937_64 engine;
  explicit Random(uint64_t seed) : engine(seed) {}
  float normal() { return std::normal_distribution<float>(0, 1)(engine); }
  uint8_t byte() { return static_cast<uint8_t>(engine()); }
};

// Random bytes are a valid block of every format; scales that are not finite are drawn again, since
// the contract is about numbers.
inline std::vector<uint8_t> random_rows(gguf::TensorType type, uint32_t rows, uint32_t columns,
                                        Random& random) {
  const gguf::TypeTraits& traits = gguf::traits(type);
  std::vector<uint8_t> bytes(uint64_t{rows} * columns / traits.block_elements * traits.block_bytes);
  std::vector<float> values(traits.block_elements);
  for (uint64_t at = 0; at < bytes.size(); at += traits.block_bytes) {
    bool usable = false;
    while (!usable) {
      for (uint32_t i = 0; i < traits.block_bytes; ++i) bytes[at + i] = random.byte();
      gguf::dequantize(type, bytes.data() + at, traits.block_elements, values.data());
      usable = true;
      for (float value : values) usable = usable && std::fabs(value) < 1e6f;
    }
  }
  return bytes;
}

struct PackedMatrix {
  PackedMatrix(gguf::TensorType type, uint32_t rows, uint32_t columns,
               const std::vector<uint8_t>& file)
      : memory(uint64_t{(rows + 15) / 16} * group_bytes(type, columns)),
        matrix{type, rows, columns, group_bytes(type, columns), memory.data()} {
    const uint64_t row_bytes = file.size() / rows;
    for (uint32_t row = 0; row < rows; row += 16) {
      pack_group(type, columns, file.data() + row * row_bytes, std::min(16u, rows - row),
                 memory.data() + row / 16 * matrix.group_bytes);
    }
  }
  Aligned memory;
  Matrix matrix;
};

struct QuantizedTokens {
  QuantizedTokens(const Kernels& kernels, uint32_t tokens, uint32_t columns, uint32_t block,
                  Random& random)
      : values(uint64_t{tokens} * columns),
        blocks(uint64_t{tokens + 1} * activation_blocks(columns)) {
    for (float& value : values) value = random.normal();
    const uint64_t stride = tokens + 1;
    for (uint32_t token = 0; block > 1 && token < tokens; ++token) {
      kernels.quantize(values.data() + uint64_t{token} * columns, columns, block,
                       blocks.data() + token, stride);
    }
    activations = {tokens, columns, values.data(), columns, blocks.data(), stride};
  }
  std::vector<float> values;
  std::vector<ActivationBlock> blocks;
  Activations activations;
};

}  // namespace sotto::kernels

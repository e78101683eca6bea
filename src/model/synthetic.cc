// Made-up weights straight into the kernels' layout.
// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <vector>

#include "gguf/random_blocks.h"
#include "kernels/layout.h"
#include "model/weights.h"

namespace sotto::model {

Result<void> Weights::fill_random() {
  constexpr uint64_t kDistinctGroups = gguf::kRandomRowsDistinct / kernels::kGroupRows;
  for (const auto& [name, item] : items_) {
    uint8_t* memory = memory_.data() + item.offset;
    if (item.vector != nullptr) {
      const float value = name.ends_with(".bias") ? 0.0f : 1.0f;
      for (uint64_t i = 0; i < item.tensor->elements(); ++i) {
        reinterpret_cast<float*>(memory)[i] = value;
      }
      continue;
    }
    const Matrix& matrix = *item.matrix;
    const gguf::TypeTraits& type = gguf::traits(matrix.type);
    gguf::RandomBlocks random;  // each matrix from the start, as in a file that is written
    const uint64_t blocks = matrix.columns / type.block_elements;
    std::vector<uint8_t> rows(kernels::kGroupRows * blocks * type.block_bytes);
    for (uint64_t group = 0; group < matrix.groups(); ++group) {
      uint8_t* at = memory + group * matrix.group_bytes;
      if (group >= kDistinctGroups) {
        std::memcpy(at, memory + group % kDistinctGroups * matrix.group_bytes, matrix.group_bytes);
        continue;
      }
      random.fill(matrix.type, matrix.columns, uint64_t{kernels::kGroupRows} * matrix.columns,
                  rows.data());
      kernels::pack_group(matrix.type, matrix.columns, rows.data(), kernels::kGroupRows, at);
    }
  }
  return {};
}

}  // namespace sotto::model

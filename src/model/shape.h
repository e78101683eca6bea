// The numbers that fix a transformer's shape, read from a GGUF's metadata.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"

namespace sotto::model {

// Elements of one head at most; buffers for one head are this large.
inline constexpr uint32_t kHeadWidthMax = 1024;

enum class RopeScaling { none, linear, yarn };

struct RopeShape {
  uint32_t width = 0;  // rotated elements at the start of each head; 0 for models without RoPE
  float base = 10000.0f;
  RopeScaling scaling = RopeScaling::none;
  float factor = 1.0f;
  uint32_t original_context = 0;
  float attention_factor = 1.0f;
  float beta_fast = 32.0f;
  float beta_slow = 1.0f;
};

struct Shape {
  std::string architecture;  // "qwen2"
  std::string name;          // general.name, or the architecture
  uint32_t layers = 0;
  uint32_t width = 0;  // of the residual stream
  uint32_t ffn_width = 0;
  uint32_t heads = 0;
  uint32_t kv_heads = 0;
  uint32_t head_width = 0;   // of one query and one key head
  uint32_t value_width = 0;  // of one value head
  uint32_t vocabulary = 0;
  uint32_t context_max = 0;  // positions that the model was made for
  float norm_epsilon = 0;
  RopeShape rope;

  uint32_t query_rows() const { return heads * head_width; }
  uint32_t key_rows() const { return kv_heads * head_width; }
  uint32_t value_rows() const { return kv_heads * value_width; }
};

// Every number is bounded, and what the description's own tensors fix is checked against them later
// [model/weights.h]. `malformed` names the key; `unsupported` the architecture or kind of scaling.
Result<Shape> read_shape(const gguf::Description& description);

}  // namespace sotto::model

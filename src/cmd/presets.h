// Shapes of well-known models, so that a machine can be measured before anything is downloaded.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "gguf/file.h"

namespace sotto::cmd {

// As published in each model's own configuration.
struct Preset {
  std::string_view name;
  std::string_view architecture;
  uint32_t layers;
  uint32_t width;
  uint32_t ffn_width;
  uint32_t heads;
  uint32_t kv_heads;
  uint32_t vocabulary;
  uint32_t context;
  float rope_base;  // 0: no rotary embedding
  float epsilon;
  bool tied;          // no output matrix of its own
  bool rope_factors;  // Llama 3's scaling, as a tensor of factors
};

std::span<const Preset> presets();

// `unsupported` lists the names.
Result<const Preset*> find_preset(std::string_view name);

// Metadata and tensor table that a GGUF of this shape and mix would have; there is no data behind
// it.
Result<gguf::Description> describe_preset(const Preset& preset, std::string_view mix);

// Over all tensors of a description.
uint64_t parameter_count(const gguf::Description& description);
uint64_t tensor_bytes(const gguf::Description& description);

}  // namespace sotto::cmd

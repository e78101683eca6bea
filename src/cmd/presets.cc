// The table of shapes, and the tensors that each architecture's files hold.
// SPDX-License-Identifier: Apache-2.0
#include "cmd/presets.h"

#include <fmt/ranges.h>

#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "cmd/type_mix.h"

namespace sotto::cmd {
namespace {

using gguf::TensorType;

// name, architecture, layers, width, ffn, heads, kv heads, vocabulary, context, rope base, epsilon,
// tied, rope factors
constexpr Preset kPresets[] = {
    {"deepseek-r1-distill-qwen-1.5b", "qwen2", 28, 1536, 8960, 12, 2, 151936, 131072, 1e4f, 1e-6f,
     false, false},
    {"deepseek-r1-distill-qwen-7b", "qwen2", 28, 3584, 18944, 28, 4, 152064, 131072, 1e4f, 1e-6f,
     false, false},
    {"deepseek-r1-distill-qwen-14b", "qwen2", 48, 5120, 13824, 40, 8, 152064, 131072, 1e6f, 1e-5f,
     false, false},
    {"deepseek-r1-distill-qwen-32b", "qwen2", 64, 5120, 27648, 40, 8, 152064, 131072, 1e6f, 1e-5f,
     false, false},
    {"deepseek-r1-distill-llama-8b", "llama", 32, 4096, 14336, 32, 8, 128256, 131072, 5e5f, 1e-5f,
     false, true},
    {"deepseek-r1-distill-llama-70b", "llama", 80, 8192, 28672, 64, 8, 128256, 131072, 5e5f, 1e-5f,
     false, true},
    {"llama-2-7b", "llama", 32, 4096, 11008, 32, 32, 32000, 4096, 1e4f, 1e-5f, false, false},
    {"gpt2", "gpt2", 12, 768, 3072, 12, 12, 50257, 1024, 0, 1e-5f, true, false},
    {"gpt2-medium", "gpt2", 24, 1024, 4096, 16, 16, 50257, 1024, 0, 1e-5f, true, false},
    {"gpt2-large", "gpt2", 36, 1280, 5120, 20, 20, 50257, 1024, 0, 1e-5f, true, false},
    {"gpt2-xl", "gpt2", 48, 1600, 6400, 25, 25, 50257, 1024, 0, 1e-5f, true, false},
    {"bloom-560m", "bloom", 24, 1024, 4096, 16, 16, 250880, 2048, 0, 1e-5f, true, false},
};

// Collects a description's tensors, one after another as a writer would lay them out.
class TensorTable {
 public:
  TensorTable(const Preset& preset, const TypeMix& mix, gguf::Description& into)
      : mix_(mix),
        model_{preset.layers, preset.heads / preset.kv_heads, preset.tied},
        into_(into) {}

  void set_layer(uint32_t layer) {
    layer_ = layer;
    prefix_ = fmt::format("blk.{}.", layer);
  }
  void set_outside_layers() { prefix_.clear(); }

  void matrix(const std::string& role, uint64_t columns, uint64_t rows) {
    add(role + ".weight", mix_.choose(role, layer_, columns, model_), {columns, rows});
  }
  void matrix_with_bias(const std::string& role, uint64_t columns, uint64_t rows) {
    matrix(role, columns, rows);
    add(role + ".bias", TensorType::F32, {rows});
  }
  void norm(const std::string& role, uint64_t width) {
    add(role + ".weight", TensorType::F32, {width});
  }
  void norm_with_bias(const std::string& role, uint64_t width) {
    norm(role, width);
    add(role + ".bias", TensorType::F32, {width});
  }
  void add(const std::string& name, TensorType type, std::vector<uint64_t> shape) {
    gguf::TensorInfo tensor{prefix_ + name, type, std::move(shape), 0, end_, 0};
    const gguf::TypeTraits& traits = gguf::traits(type);
    CHECK(tensor.row_elements() % traits.block_elements == 0);
    tensor.bytes = tensor.elements() / traits.block_elements * traits.block_bytes;
    end_ += (tensor.bytes + into_.alignment - 1) / into_.alignment * into_.alignment;
    into_.tensors.push_back(std::move(tensor));
  }
  uint64_t end() const { return end_; }

 private:
  const TypeMix& mix_;
  MixModel model_;
  gguf::Description& into_;
  uint32_t layer_ = 0;
  std::string prefix_;
  uint64_t end_ = 0;
};

// GPT-2 and BLOOM: layer norms with biases, fused query, key and value, no gate.
void add_gpt2_layer(const Preset& preset, TensorTable& table) {
  table.norm_with_bias("attn_norm", preset.width);
  table.matrix_with_bias("attn_qkv", preset.width, 3 * uint64_t{preset.width});
  table.matrix_with_bias("attn_output", preset.width, preset.width);
  table.norm_with_bias("ffn_norm", preset.width);
  table.matrix_with_bias("ffn_up", preset.width, preset.ffn_width);
  table.matrix_with_bias("ffn_down", preset.ffn_width, preset.width);
}

// Llama and Qwen2, which differs by the biases of query, key and value.
void add_llama_layer(const Preset& preset, TensorTable& table) {
  const uint64_t head_width = preset.width / preset.heads;
  const std::pair<const char*, uint64_t> projections[] = {
      {"attn_q", preset.width},
      {"attn_k", preset.kv_heads * head_width},
      {"attn_v", preset.kv_heads * head_width},
  };
  table.norm("attn_norm", preset.width);
  for (const auto& [role, rows] : projections) {
    if (preset.architecture == "qwen2") {
      table.matrix_with_bias(role, preset.width, rows);
    } else {
      table.matrix(role, preset.width, rows);
    }
  }
  table.matrix("attn_output", preset.width, preset.width);
  table.norm("ffn_norm", preset.width);
  table.matrix("ffn_gate", preset.width, preset.ffn_width);
  table.matrix("ffn_up", preset.width, preset.ffn_width);
  table.matrix("ffn_down", preset.ffn_width, preset.width);
}

void add_tensors(const Preset& preset, TensorTable& table) {
  const bool llama = preset.rope_base != 0;
  table.matrix("token_embd", preset.width, preset.vocabulary);
  if (preset.architecture == "gpt2") {
    table.add("position_embd.weight", TensorType::F32, {preset.width, preset.context});
  }
  if (preset.architecture == "bloom") table.norm_with_bias("token_embd_norm", preset.width);
  if (preset.rope_factors) {
    table.add("rope_freqs.weight", TensorType::F32, {preset.width / preset.heads / 2});
  }
  for (uint32_t layer = 0; layer < preset.layers; ++layer) {
    table.set_layer(layer);
    llama ? add_llama_layer(preset, table) : add_gpt2_layer(preset, table);
  }
  table.set_outside_layers();
  llama ? table.norm("output_norm", preset.width)
        : table.norm_with_bias("output_norm", preset.width);
  if (!preset.tied) table.matrix("output", preset.width, preset.vocabulary);
}

Result<void> add_metadata(const Preset& preset, gguf::Metadata& metadata) {
  const std::string architecture(preset.architecture);
  TRY(metadata.add("general.architecture", architecture));
  TRY(metadata.add("general.name", std::string(preset.name)));
  const std::pair<const char*, uint32_t> numbers[] = {
      {".block_count", preset.layers},         {".context_length", preset.context},
      {".embedding_length", preset.width},     {".feed_forward_length", preset.ffn_width},
      {".attention.head_count", preset.heads}, {".attention.head_count_kv", preset.kv_heads},
      {".vocab_size", preset.vocabulary},
  };
  for (const auto& [key, value] : numbers) TRY(metadata.add(architecture + key, value));
  if (preset.rope_base != 0) {
    TRY(metadata.add(architecture + ".rope.freq_base", preset.rope_base));
    TRY(metadata.add(architecture + ".rope.dimension_count", preset.width / preset.heads));
    TRY(metadata.add(architecture + ".attention.layer_norm_rms_epsilon", preset.epsilon));
  } else {
    TRY(metadata.add(architecture + ".attention.layer_norm_epsilon", preset.epsilon));
  }
  return {};
}

}  // namespace

std::span<const Preset> presets() {
  return kPresets;
}

Result<const Preset*> find_preset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Preset& preset : kPresets) {
    if (preset.name == name) return &preset;
    names.push_back(preset.name);
  }
  return fail(ErrorKind::unsupported, "preset '{}' is not known; there are {}", name,
              fmt::join(names, ", "));
}

Result<gguf::Description> describe_preset(const Preset& preset, std::string_view mix_name) {
  const TypeMix mix = TRY(TypeMix::by_name(mix_name));
  gguf::Description description{};
  description.version = 3;
  description.alignment = 32;
  TRY(add_metadata(preset, description.metadata));
  TensorTable table(preset, mix, description);
  add_tensors(preset, table);
  description.files.push_back({{}, table.end()});
  return description;
}

uint64_t parameter_count(const gguf::Description& description) {
  uint64_t count = 0;
  for (const gguf::TensorInfo& tensor : description.tensors) count += tensor.elements();
  return count;
}

uint64_t tensor_bytes(const gguf::Description& description) {
  uint64_t bytes = 0;
  for (const gguf::TensorInfo& tensor : description.tensors) bytes += tensor.bytes;
  return bytes;
}

}  // namespace sotto::cmd

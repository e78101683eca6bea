// Reading and bounding a model's shape.
// SPDX-License-Identifier: Apache-2.0
#include "model/shape.h"

#include <cmath>

namespace sotto::model {
namespace {

// Keys of one architecture: "qwen2.block_count".
class Keys {
 public:
  Keys(const gguf::Metadata& metadata, std::string architecture)
      : metadata_(metadata), prefix_(std::move(architecture) + ".") {}

  Result<uint32_t> number(std::string_view key, uint32_t least, uint32_t most) const {
    const uint64_t value = TRY(metadata_.get<uint64_t>(prefix_ + std::string(key)));
    return bounded(key, value, least, most);
  }
  Result<uint32_t> number_or(std::string_view key, uint32_t fallback, uint32_t least,
                             uint32_t most) const {
    const uint64_t value = TRY(metadata_.get_or<uint64_t>(prefix_ + std::string(key), fallback));
    return bounded(key, value, least, most);
  }
  Result<float> real_or(std::string_view key, float fallback, float least, float most) const {
    const float value = TRY(metadata_.get_or<float>(prefix_ + std::string(key), fallback));
    if (value >= least && value <= most) return value;  // not so for NaN
    return fail(ErrorKind::malformed, "metadata {}{}: {} is not between {} and {}", prefix_, key,
                value, least, most);
  }
  Result<std::string> text_or(std::string_view key, std::string fallback) const {
    return metadata_.get_or<std::string>(prefix_ + std::string(key), std::move(fallback));
  }
  bool has(std::string_view key) const {
    return metadata_.find(prefix_ + std::string(key)) != nullptr;
  }

 private:
  Result<uint32_t> bounded(std::string_view key, uint64_t value, uint32_t least,
                           uint32_t most) const {
    if (value >= least && value <= most) return static_cast<uint32_t>(value);
    return fail(ErrorKind::malformed, "metadata {}{}: {} is not between {} and {}", prefix_, key,
                value, least, most);
  }

  const gguf::Metadata& metadata_;
  std::string prefix_;
};

// Bounds well beyond any model of these architectures, and small enough that products of two fit
// 64 bits with room to spare.
constexpr uint32_t kLayersMax = 1024;
constexpr uint32_t kWidthMax = 1u << 20;
constexpr uint32_t kHeadsMax = 1024;
constexpr uint32_t kContextMax = 1u << 22;

Result<RopeShape> read_rope(const Keys& keys, uint32_t head_width) {
  RopeShape rope;
  rope.width = TRY(keys.number_or("rope.dimension_count", head_width, 2, head_width));
  if (rope.width % 2 != 0) {
    return fail(ErrorKind::malformed, "metadata rope.dimension_count: {} is odd", rope.width);
  }
  rope.base = TRY(keys.real_or("rope.freq_base", 10000.0f, 1.01f, 1e12f));
  const std::string scaling = TRY(keys.text_or("rope.scaling.type", "none"));
  if (scaling == "linear") {
    rope.scaling = RopeScaling::linear;
  } else if (scaling == "yarn") {
    rope.scaling = RopeScaling::yarn;
  } else if (scaling != "none") {
    return fail(ErrorKind::unsupported, "metadata rope.scaling.type: {} is not supported", scaling);
  }
  rope.factor = TRY(keys.real_or("rope.scaling.factor", 1.0f, 1e-3f, 1e6f));
  rope.original_context =
      TRY(keys.number_or("rope.scaling.original_context_length", 0, 0, kContextMax));
  rope.attention_factor = TRY(keys.real_or("rope.scaling.attn_factor", 1.0f, 1e-3f, 1e3f));
  rope.beta_fast = TRY(keys.real_or("rope.scaling.yarn_beta_fast", 32.0f, 1e-3f, 1e6f));
  rope.beta_slow = TRY(keys.real_or("rope.scaling.yarn_beta_slow", 1.0f, 1e-3f, 1e6f));
  return rope;
}

}  // namespace

Result<Shape> read_shape(const gguf::Description& description) {
  const gguf::Metadata& metadata = description.metadata;
  Shape shape;
  shape.architecture = TRY(metadata.get<std::string>("general.architecture"));
  shape.name = TRY(metadata.get_or<std::string>("general.name", shape.architecture));
  const std::string& architecture = shape.architecture;
  const bool old_style = architecture == "gpt2" || architecture == "bloom";
  if (!old_style && architecture != "qwen2" && architecture != "qwen3" && architecture != "llama") {
    return fail(ErrorKind::unsupported,
                "architecture {}: supported are llama, qwen2, qwen3, gpt2 and bloom", architecture);
  }
  const Keys keys(metadata, architecture);
  shape.layers = TRY(keys.number("block_count", 1, kLayersMax));
  shape.width = TRY(keys.number("embedding_length", 1, kWidthMax));
  shape.ffn_width = TRY(keys.number("feed_forward_length", 1, kWidthMax));
  shape.heads = TRY(keys.number("attention.head_count", 1, kHeadsMax));
  shape.kv_heads = TRY(keys.number_or("attention.head_count_kv", shape.heads, 1, kHeadsMax));
  if (shape.heads % shape.kv_heads != 0) {
    return fail(ErrorKind::malformed,
                "metadata attention.head_count: {} is not a multiple of "
                "attention.head_count_kv, {}",
                shape.heads, shape.kv_heads);
  }
  if (!keys.has("attention.key_length") && shape.width % shape.heads != 0) {
    return fail(ErrorKind::malformed,
                "metadata embedding_length: {} is not a multiple of attention.head_count, {}",
                shape.width, shape.heads);
  }
  const uint32_t head_width = shape.width / shape.heads;
  shape.head_width = TRY(keys.number_or("attention.key_length", head_width, 1, kHeadWidthMax));
  shape.value_width = TRY(keys.number_or("attention.value_length", head_width, 1, kHeadWidthMax));
  shape.context_max = TRY(keys.number("context_length", 1, kContextMax));
  shape.norm_epsilon = TRY(
      keys.real_or(old_style ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
                   old_style ? 1e-5f : 1e-6f, 0.0f, 1.0f));
  if (!old_style) shape.rope = TRY(read_rope(keys, shape.head_width));
  if (shape.rope.original_context == 0) shape.rope.original_context = shape.context_max;

  // Experts and sliding windows change what a layer computes; better none than a wrong answer.
  if (TRY(keys.number_or("expert_count", 0, 0, UINT32_MAX)) != 0) {
    return fail(ErrorKind::unsupported,
                "metadata expert_count: mixtures of experts are not supported");
  }
  const gguf::TensorInfo* embedding = description.find_tensor("token_embd.weight");
  if (embedding == nullptr)
    return fail(ErrorKind::malformed, "tensor token_embd.weight is missing");
  if (embedding->rows() > (1u << 24)) {
    return fail(ErrorKind::malformed, "tensor token_embd.weight: {} rows", embedding->rows());
  }
  shape.vocabulary = static_cast<uint32_t>(embedding->rows());
  return shape;
}

}  // namespace sotto::model

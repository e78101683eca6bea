// BLOOM: layer norm also on the embedding, ALiBi instead of positions, fused query-key-value, GELU.
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <vector>

#include "base/exact_math.h"
#include "model/architecture.h"

namespace sotto::model {
namespace {

struct Layer {
  Vector attention_norm, attention_norm_bias, ffn_norm, ffn_norm_bias;
  Matrix query_key_value{}, output{};
  Vector query_key_value_bias, output_bias;
  Matrix up{}, down{};
  Vector up_bias, down_bias;
};

// [ALiBi §3]: powers of 2^(-8/n) for n heads, n being a power of two; further heads take the odd
// powers of the next finer series.
std::vector<float> distance_slopes(uint32_t heads) {
  const uint32_t power = std::bit_floor(heads);
  std::vector<float> slopes(heads);
  for (uint32_t head = 0; head < heads; ++head) {
    const double exponent =
        head < power ? -8.0 * (head + 1) / power : -4.0 * (2 * (head - power) + 1) / power;
    slopes[head] = static_cast<float>(exact::pow(2.0, exponent));
  }
  return slopes;
}

class Bloom : public Architecture {
 public:
  explicit Bloom(const Shape& shape)
      : shape_(shape), layers_(shape.layers), slopes_(distance_slopes(shape.heads)) {}

  void plan(WeightPlan& plan) override {
    const Shape& s = shape_;
    plan.matrix("token_embd.weight", s.vocabulary, s.width, embedding_);
    plan.vector("token_embd_norm.weight", s.width, embedding_norm_);
    plan.vector("token_embd_norm.bias", s.width, embedding_norm_bias_);
    plan.vector("output_norm.weight", s.width, output_norm_);
    plan.vector("output_norm.bias", s.width, output_norm_bias_);
    plan.optional_matrix("output.weight", s.vocabulary, s.width, output_);
    const uint32_t fused = s.query_rows() + s.key_rows() + s.value_rows();
    for (uint32_t i = 0; i < s.layers; ++i) {
      Layer& layer = layers_[i];
      plan.vector(layer_tensor(i, "attn_norm.weight"), s.width, layer.attention_norm);
      plan.vector(layer_tensor(i, "attn_norm.bias"), s.width, layer.attention_norm_bias);
      plan.matrix(layer_tensor(i, "attn_qkv.weight"), fused, s.width, layer.query_key_value);
      plan.vector(layer_tensor(i, "attn_qkv.bias"), fused, layer.query_key_value_bias);
      plan.matrix(layer_tensor(i, "attn_output.weight"), s.width, s.heads * s.value_width,
                  layer.output);
      plan.vector(layer_tensor(i, "attn_output.bias"), s.width, layer.output_bias);
      plan.vector(layer_tensor(i, "ffn_norm.weight"), s.width, layer.ffn_norm);
      plan.vector(layer_tensor(i, "ffn_norm.bias"), s.width, layer.ffn_norm_bias);
      plan.matrix(layer_tensor(i, "ffn_up.weight"), s.ffn_width, s.width, layer.up);
      plan.vector(layer_tensor(i, "ffn_up.bias"), s.ffn_width, layer.up_bias);
      plan.matrix(layer_tensor(i, "ffn_down.weight"), s.width, s.ffn_width, layer.down);
      plan.vector(layer_tensor(i, "ffn_down.bias"), s.width, layer.down_bias);
    }
  }

  void layers(Pass& pass) const override {
    const Rows query = pass.fused.columns(0, shape_.query_rows());
    const Rows key = pass.fused.columns(query.width, shape_.key_rows());
    const Rows value = pass.fused.columns(query.width + key.width, shape_.value_rows());
    pass.embed(embedding_);
    pass.layer_norm(pass.hidden, embedding_norm_, embedding_norm_bias_, pass.hidden);
    for (uint32_t i = 0; i < shape_.layers; ++i) {
      const Layer& layer = layers_[i];
      pass.layer_norm(pass.hidden, layer.attention_norm, layer.attention_norm_bias, pass.normed);
      pass.multiply({{layer.query_key_value, pass.fused}}, pass.normed);
      pass.add_bias(pass.fused, layer.query_key_value_bias);
      pass.attend(i, query, key, value, slopes_.data());
      pass.multiply({{layer.output, pass.normed}}, pass.attended);
      pass.add_bias(pass.normed, layer.output_bias);
      pass.add(pass.hidden, pass.normed);

      pass.layer_norm(pass.hidden, layer.ffn_norm, layer.ffn_norm_bias, pass.normed);
      pass.multiply({{layer.up, pass.up}}, pass.normed);
      pass.add_bias(pass.up, layer.up_bias);
      pass.gelu(pass.up);
      pass.multiply({{layer.down, pass.normed}}, pass.up);
      pass.add_bias(pass.normed, layer.down_bias);
      pass.add(pass.hidden, pass.normed);
    }
  }

  void norm(Pass& pass) const override {
    pass.layer_norm(pass.hidden, output_norm_, output_norm_bias_, pass.normed);
  }

  void output(Pass& pass) const override {
    const bool tied = output_.data == nullptr;
    pass.multiply({{tied ? embedding_ : output_, pass.logits}}, pass.normed);
  }

 private:
  Shape shape_;
  Matrix embedding_{}, output_{};
  Vector embedding_norm_, embedding_norm_bias_, output_norm_, output_norm_bias_;
  std::vector<Layer> layers_;
  std::vector<float> slopes_;  // per head
};

}  // namespace

std::unique_ptr<Architecture> make_bloom(const Shape& shape) {
  return std::make_unique<Bloom>(shape);
}

}  // namespace sotto::model

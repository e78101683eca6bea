// Qwen 2 and 2.5: RMS norm, biases on query, key and value, RoPE on halves, SwiGLU.
// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "model/architecture.h"

namespace sotto::model {
namespace {

struct Layer {
  Vector attention_norm, ffn_norm;
  Matrix query{}, key{}, value{}, output{};
  Vector query_bias, key_bias, value_bias;
  Matrix gate{}, up{}, down{};
};

class Qwen2 : public Architecture {
 public:
  explicit Qwen2(const Shape& shape)
      : shape_(shape), layers_(shape.layers), rope_(shape.rope, nullptr) {}

  void plan(WeightPlan& plan) override {
    const Shape& s = shape_;
    plan.matrix("token_embd.weight", s.vocabulary, s.width, embedding_);
    plan.vector("output_norm.weight", s.width, output_norm_);
    plan.optional_matrix("output.weight", s.vocabulary, s.width, output_);
    for (uint32_t i = 0; i < s.layers; ++i) {
      Layer& layer = layers_[i];
      plan.vector(layer_tensor(i, "attn_norm.weight"), s.width, layer.attention_norm);
      plan.matrix(layer_tensor(i, "attn_q.weight"), s.query_rows(), s.width, layer.query);
      plan.matrix(layer_tensor(i, "attn_k.weight"), s.key_rows(), s.width, layer.key);
      plan.matrix(layer_tensor(i, "attn_v.weight"), s.value_rows(), s.width, layer.value);
      plan.vector(layer_tensor(i, "attn_q.bias"), s.query_rows(), layer.query_bias);
      plan.vector(layer_tensor(i, "attn_k.bias"), s.key_rows(), layer.key_bias);
      plan.vector(layer_tensor(i, "attn_v.bias"), s.value_rows(), layer.value_bias);
      plan.matrix(layer_tensor(i, "attn_output.weight"), s.width, s.heads * s.value_width,
                  layer.output);
      plan.vector(layer_tensor(i, "ffn_norm.weight"), s.width, layer.ffn_norm);
      plan.matrix(layer_tensor(i, "ffn_gate.weight"), s.ffn_width, s.width, layer.gate);
      plan.matrix(layer_tensor(i, "ffn_up.weight"), s.ffn_width, s.width, layer.up);
      plan.matrix(layer_tensor(i, "ffn_down.weight"), s.width, s.ffn_width, layer.down);
    }
  }

  void layers(Pass& pass) const override {
    pass.embed(embedding_);
    for (uint32_t i = 0; i < shape_.layers; ++i) {
      const Layer& layer = layers_[i];
      pass.rms_norm(pass.hidden, layer.attention_norm, pass.normed);
      pass.multiply({{layer.query, pass.query}, {layer.key, pass.key}, {layer.value, pass.value}},
                    pass.normed);
      pass.add_bias(pass.query, layer.query_bias);
      pass.add_bias(pass.key, layer.key_bias);
      pass.add_bias(pass.value, layer.value_bias);
      pass.rotate(rope_, RopeStyle::halves, pass.query);
      pass.rotate(rope_, RopeStyle::halves, pass.key);
      pass.attend(i, pass.query, pass.key, pass.value);
      pass.multiply({{layer.output, pass.normed}}, pass.attended);
      pass.add(pass.hidden, pass.normed);

      pass.rms_norm(pass.hidden, layer.ffn_norm, pass.normed);
      pass.multiply({{layer.gate, pass.gate}, {layer.up, pass.up}}, pass.normed);
      pass.multiply_gated({{layer.down, pass.normed}});
      pass.add(pass.hidden, pass.normed);
    }
  }

  void norm(Pass& pass) const override { pass.rms_norm(pass.hidden, output_norm_, pass.normed); }

  void output(Pass& pass) const override {
    const bool tied = output_.data == nullptr;
    pass.multiply({{tied ? embedding_ : output_, pass.logits}}, pass.normed);
  }

 private:
  Shape shape_;
  Matrix embedding_{}, output_{};
  Vector output_norm_;
  std::vector<Layer> layers_;
  Rope rope_;
};

}  // namespace

std::unique_ptr<Architecture> make_qwen2(const Shape& shape) {
  return std::make_unique<Qwen2>(shape);
}

}  // namespace sotto::model

// What an architecture is: the tensors it wants and the order of its steps. One file each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "gguf/file.h"
#include "model/pass.h"
#include "model/shape.h"
#include "model/weights.h"

namespace sotto::model {

// Const after plan() and finish(); one object per model.
class Architecture {
 public:
  virtual ~Architecture() = default;
  // Names every tensor. Called once, before the weights are loaded.
  virtual void plan(WeightPlan& plan) = 0;
  // What is derived from the loaded weights.
  virtual void finish() {}
  // All layers: from the batch's token ids to hidden states, keys and values appended.
  virtual void layers(Pass& pass) const = 0;
  // The last norm: from pass.hidden to pass.normed, of all rows that there are.
  virtual void norm(Pass& pass) const = 0;
  // From pass.normed to pass.logits, for the rows that were selected.
  virtual void output(Pass& pass) const = 0;
};

std::unique_ptr<Architecture> make_llama(const Shape& shape);
std::unique_ptr<Architecture> make_qwen2(const Shape& shape);
std::unique_ptr<Architecture> make_qwen3(const Shape& shape);
std::unique_ptr<Architecture> make_gpt2(const Shape& shape);
std::unique_ptr<Architecture> make_bloom(const Shape& shape);

// "blk.7.attn_q.weight"
std::string layer_tensor(uint32_t layer, const char* name);

}  // namespace sotto::model

// The steps of a transformer other than attention, and the buffers that they share.
// SPDX-License-Identifier: Apache-2.0
#include "model/pass.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "kernels/layout.h"

namespace sotto::model {
namespace {

using kernels::kGroupRows;

uint64_t round_up(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Hands out pieces of one block of memory; with no memory it only counts what is needed.
class Placer {
 public:
  Placer(uint8_t* memory, uint64_t& bytes) : memory_(memory), bytes_(bytes) {}

  template <class T>
  T* take(uint64_t count) {
    const uint64_t at = bytes_;
    bytes_ += round_up(count * sizeof(T), 64);
    return memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + at);
  }
  Rows rows(uint32_t count, uint32_t width) {
    // An odd number of cache lines, so that one column of many tokens does not fall into few sets.
    const uint64_t stride = round_up(width, kGroupRows) | kGroupRows;
    return {take<float>(count * stride), stride, width};
  }
  kernels::Partials partials(uint64_t count, uint32_t value_width) {
    float* largest = take<float>(count);
    float* sums = take<float>(count);
    return {largest, sums, take<float>(count * value_width)};
  }

 private:
  uint8_t* memory_;
  uint64_t& bytes_;
};

}  // namespace

Result<Pass> Pass::create(const Shape& shape, uint32_t tokens_max, uint32_t logit_rows_max,
                          const kernels::Kernels& kernels, ThreadPool& pool) {
  Pass pass(shape, kernels, pool);
  uint64_t bytes = 0;
  pass.place_buffers(tokens_max, logit_rows_max, nullptr, bytes);
  pass.memory_ = TRY(Memory::allocate(bytes, "the forward pass"));
  bytes = 0;
  pass.place_buffers(tokens_max, logit_rows_max, pass.memory_.data(), bytes);
  pass.units_.reserve(uint64_t{tokens_max} * shape.kv_heads);
  const Multiplier::Limits limits{
      .tokens = std::max(tokens_max, logit_rows_max),
      .columns = std::max({shape.width, shape.ffn_width, pass.attended.width}),
      .rows = std::max({shape.vocabulary, 2 * shape.ffn_width, pass.fused.width})};
  pass.multiplier_ = TRY(Multiplier::create(kernels, pool, limits));
  return pass;
}

void Pass::place_buffers(uint32_t tokens_max, uint32_t logit_rows_max, uint8_t* memory,
                         uint64_t& bytes) {
  Placer placer(memory, bytes);
  const Shape& s = shape_;
  hidden = placer.rows(tokens_max, s.width);
  normed = placer.rows(tokens_max, s.width);
  const auto key_begin = static_cast<uint32_t>(round_up(s.query_rows(), kGroupRows));
  const auto value_begin = static_cast<uint32_t>(key_begin + round_up(s.key_rows(), kGroupRows));
  fused = placer.rows(tokens_max, value_begin + s.value_rows());
  query = fused.columns(0, s.query_rows());
  key = fused.columns(key_begin, s.key_rows());
  value = fused.columns(value_begin, s.value_rows());
  attended = placer.rows(tokens_max, s.heads * s.value_width);
  gate = placer.rows(tokens_max, s.ffn_width);
  up = placer.rows(tokens_max, s.ffn_width);
  logits = placer.rows(logit_rows_max, s.vocabulary);

  angles_ = placer.take<float>(uint64_t{tokens_max} * s.rope.width);
  scratch_.clear();
  for (uint32_t thread = 0; thread < pool_->threads(); ++thread) place_scratch(memory, bytes);
  split_rows_ = s.heads * kSplitPages;
  split_pages_ = placer.partials(split_rows_, s.value_width);
  split_total_ = placer.partials(s.heads * (kSplitPages / kSplitPagesMin), s.value_width);
}

void Pass::place_scratch(uint8_t* memory, uint64_t& bytes) {
  Placer placer(memory, bytes);
  const uint64_t queries = uint64_t{unit_tokens()} * (shape_.heads / shape_.kv_heads);
  const uint64_t elements = queries * shape_.head_width;
  AttentionScratch scratch{};
  scratch.queries = placer.take<float>(elements);
  scratch.blocks = placer.take<kernels::ActivationBlock>(
      queries * kernels::activation_blocks(shape_.head_width));
  scratch.visible = placer.take<uint32_t>(queries);
  scratch.offsets = placer.take<int32_t>(queries);
  scratch.slopes = placer.take<float>(queries);
  for (kernels::Partials* partials : {&scratch.total, &scratch.page}) {
    *partials = placer.partials(queries, shape_.value_width);
  }
  scratch_.push_back(scratch);
}

void Pass::begin(std::span<const PassToken> tokens) {
  tokens_ = tokens;
  rows_ = static_cast<uint32_t>(tokens.size());
  angles_filled_ = false;
  make_units();
}

void Pass::for_tokens(FunctionRef<void(uint32_t)> body) {
  if (rows_ == 1) return body(0);  // waking the others costs more than one token's step
  pool_->run_chunks(rows_, [&](uint64_t token, uint32_t) { body(static_cast<uint32_t>(token)); });
}

void Pass::embed(const Matrix& table) {
  for_tokens([&](uint32_t token) {
    kernels::dequantize_row(table, static_cast<uint32_t>(tokens_[token].id), hidden.row(token));
  });
}

void Pass::add_positions(const Matrix& table) {
  for_tokens([&](uint32_t token) {
    kernels::dequantize_row(table, tokens_[token].position, normed.row(token));
    for (uint32_t i = 0; i < hidden.width; ++i) hidden.row(token)[i] += normed.row(token)[i];
  });
}

void Pass::rms_norm(const Rows& in, const Vector& weight, const Rows& out) {
  for_tokens([&](uint32_t token) {
    kernels_->rms_norm(in.row(token), weight.data, in.width, shape_.norm_epsilon, out.row(token));
  });
}

void Pass::rms_norm_heads(const Rows& x, const Vector& weight) {
  for_tokens([&](uint32_t token) {
    for (uint32_t at = 0; at < x.width; at += weight.count) {
      float* head = x.row(token) + at;
      kernels_->rms_norm(head, weight.data, weight.count, shape_.norm_epsilon, head);
    }
  });
}

void Pass::layer_norm(const Rows& in, const Vector& weight, const Vector& bias, const Rows& out) {
  for_tokens([&](uint32_t token) {
    kernels_->layer_norm(in.row(token), weight.data, bias.data, in.width, shape_.norm_epsilon,
                         out.row(token));
  });
}

void Pass::multiply(std::initializer_list<Product> products, const Rows& input) {
  multiplier_->multiply({products.begin(), products.size()}, input, rows_);
}

void Pass::add_bias(const Rows& x, const Vector& bias) {
  if (!bias.present()) return;
  CHECK(bias.count == x.width);
  for_tokens([&](uint32_t token) {
    for (uint32_t i = 0; i < x.width; ++i) x.row(token)[i] += bias.data[i];
  });
}

void Pass::add(const Rows& x, const Rows& y) {
  for_tokens([&](uint32_t token) {
    for (uint32_t i = 0; i < x.width; ++i) x.row(token)[i] += y.row(token)[i];
  });
}

void Pass::rotate(const Rope& rope, RopeStyle style, const Rows& x) {
  const bool fill = !angles_filled_;
  angles_filled_ = true;
  for_tokens([&](uint32_t token) {
    float* angles = angles_ + uint64_t{token} * rope.width();
    if (fill) rope.angles(tokens_[token].position, angles);
    rope.rotate(style, angles, x.row(token), x.width / shape_.head_width, shape_.head_width);
  });
}

void Pass::multiply_gated(std::initializer_list<Product> products) {
  multiplier_->multiply({products.begin(), products.size()}, gate, rows_, [&](uint32_t token) {
    kernels_->silu_multiply(gate.row(token), up.row(token), gate.width, gate.row(token));
  });
}

void Pass::gelu(const Rows& x) {
  for_tokens([&](uint32_t token) { kernels_->gelu(x.row(token), x.width); });
}

void Pass::select(std::span<const uint32_t> tokens) {
  for (uint32_t row = 0; row < tokens.size(); ++row) {
    CHECK(tokens[row] >= row);
    std::memmove(hidden.row(row), hidden.row(tokens[row]), hidden.width * sizeof(float));
  }
  rows_ = static_cast<uint32_t>(tokens.size());
}

}  // namespace sotto::model

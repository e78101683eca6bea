// One forward pass: its tokens, the buffers they run through, and the steps of a transformer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "base/threads.h"
#include "base/token.h"
#include "kernels/kernels.h"
#include "model/kv_cache.h"
#include "model/multiply.h"
#include "model/rope.h"
#include "model/shape.h"
#include "model/weights.h"

namespace sotto::model {

// Where a token of the batch belongs.
struct PassToken {
  TokenId id;
  uint32_t position;
  Sequence* sequence;
};

// Few queries over many pages are attended by several threads: room for so many pages of one token
// at a time; with more tokens there is room for fewer pages each, but never under kSplitPagesMin.
inline constexpr uint32_t kSplitPages = 256;
inline constexpr uint32_t kSplitPagesMin = 4;

// The steps from which the architectures' files are written. Allocates everything when made; each
// step runs on all threads of the pool and is finished when it returns.
class Pass {
 public:
  static Result<Pass> create(const Shape& shape, uint32_t tokens_max, uint32_t logit_rows_max,
                             const kernels::Kernels& kernels, ThreadPool& pool);

  // The batch at hand.
  void begin(std::span<const PassToken> tokens);
  uint32_t tokens() const { return static_cast<uint32_t>(tokens_.size()); }
  uint32_t rows() const { return rows_; }  // of hidden: tokens(), or fewer after select()

  // Buffers of the shape's widths. `query`, `key` and `value` are parts of `fused`.
  Rows hidden, normed, fused, query, key, value, attended, gate, up;
  Rows logits;

  void embed(const Matrix& table);          // hidden = rows of the table
  void add_positions(const Matrix& table);  // hidden += rows by position
  void rms_norm(const Rows& in, const Vector& weight, const Rows& out);
  // The same on each head of `width` elements by itself, in place (QK norm).
  void rms_norm_heads(const Rows& x, const Vector& weight);
  void layer_norm(const Rows& in, const Vector& weight, const Vector& bias, const Rows& out);
  void multiply(std::initializer_list<Product> products, const Rows& input);
  void add_bias(const Rows& x, const Vector& bias);               // nothing for an absent one
  void add(const Rows& x, const Rows& y);                         // x += y
  void rotate(const Rope& rope, RopeStyle style, const Rows& x);  // every head, by position
  // Appends key and value to the sequences' caches and attends: attended = attention(query). With
  // `slopes` (one per head) scores are biased by distance (ALiBi).
  void attend(uint32_t layer, const Rows& query, const Rows& key, const Rows& value,
              const float* slopes = nullptr);
  // gate = silu(gate) * up, and the products with that.
  void multiply_gated(std::initializer_list<Product> products);
  void gelu(const Rows& x);

  // Keeps only the hidden rows of these tokens (ascending), as rows 0, 1, … of `hidden`; only
  // output steps may follow, and rows() is their number.
  void select(std::span<const uint32_t> tokens);

 private:
  Pass(const Shape& shape, const kernels::Kernels& kernels, ThreadPool& pool)
      : shape_(shape), kernels_(&kernels), pool_(&pool) {}

  // Some tokens of one sequence and one key-value head: what one thread attends at a time.
  struct AttentionUnit {
    uint32_t token_begin, token_end;
    uint32_t kv_head;
  };
  // One thread's buffers for it.
  struct AttentionScratch {
    float* queries;
    kernels::ActivationBlock* blocks;
    uint32_t* visible;
    int32_t* offsets;
    float* slopes;
    kernels::Partials total, page;
  };

  void place_buffers(uint32_t tokens_max, uint32_t logit_rows_max, uint8_t* memory,
                     uint64_t& bytes);
  void place_scratch(uint8_t* memory, uint64_t& bytes);
  void store(uint32_t layer, uint32_t token, const Rows& key, const Rows& value);
  uint32_t unit_tokens() const;
  void make_units();
  uint32_t unit_queries(const AttentionUnit& unit) const;
  uint32_t unit_row(const AttentionUnit& unit) const;
  uint32_t unit_pages(const AttentionUnit& unit) const;
  void prepare_queries(const AttentionUnit& unit, const Rows& query, const float* slopes,
                       const AttentionScratch& scratch);
  uint32_t attend_page(const AttentionUnit& unit, uint32_t layer, uint32_t page, uint32_t page_end,
                       const AttentionScratch& scratch, bool biased, const kernels::Partials& out);
  void finish_query(const AttentionUnit& unit, uint32_t query, const kernels::Partials& total);
  void attend_unit(const AttentionUnit& unit, uint32_t layer, const Rows& query,
                   const float* slopes, const AttentionScratch& scratch);
  bool pages_split() const;
  void attend_split(uint32_t layer, const Rows& query, const float* slopes);
  void merge_split(uint32_t part, uint32_t page_begin, uint32_t page_end);
  // body(token) for every token, on all threads when there are several tokens.
  void for_tokens(FunctionRef<void(uint32_t)> body);

  Shape shape_;
  const kernels::Kernels* kernels_;
  ThreadPool* pool_;
  std::span<const PassToken> tokens_;
  uint32_t rows_ = 0;

  std::unique_ptr<Multiplier> multiplier_;
  Memory memory_;
  float* angles_ = nullptr;  // [tokens][rope width]; filled for the batch when first needed
  bool angles_filled_ = false;
  std::vector<AttentionScratch> scratch_;  // one per thread
  uint32_t split_rows_ = 0;                // queries times pages that split_pages_ has room for
  kernels::Partials split_pages_{}, split_total_{};
  std::vector<AttentionUnit> units_;
  uint32_t pages_max_ = 0;  // of any unit
};

}  // namespace sotto::model

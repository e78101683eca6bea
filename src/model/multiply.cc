// Matrix products in chunks, and a second computation of those that are late.
// SPDX-License-Identifier: Apache-2.0
#include "model/multiply.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "gguf/types.h"

namespace sotto::model {
namespace {

using kernels::ActivationBlock;
using kernels::kGroupRows;

// Up to this many tokens a late chunk is computed again. Prompts have larger inputs and outputs, of
// which there should not be several.
constexpr uint32_t kRevocableTokens = 16;
// A chunk of a decoding step is what one core reads in about 20 us: little is lost when it has to be
// computed again, and claiming it costs a hundredth of that.
constexpr uint64_t kChunkBytes = 256 << 10;
constexpr uint64_t kChunkRows = 1024;
constexpr uint64_t kChunksMin = 4;  // of a thread, so that threads end together
// A chunk of a prompt: each reads the whole input again, so not too few rows.
constexpr uint64_t kPromptChunkRows = 384;
constexpr uint64_t kPromptChunksMin = 2;
constexpr uint64_t kPromptChunksMax = 16;

uint64_t round_up(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Odd, so that the same tokens' blocks do not fall into few sets of the caches.
uint64_t block_stride(uint64_t tokens) {
  return tokens | 1;
}

uint64_t input_bytes(uint64_t tokens, uint64_t columns, bool copied) {
  const uint64_t blocks = block_stride(tokens) * sizeof(ActivationBlock) *
                          kernels::activation_blocks(static_cast<uint32_t>(columns));
  const uint64_t floats = tokens * round_up(columns, kGroupRows) * sizeof(float);
  return copied ? std::max(blocks, floats) : blocks;
}

uint32_t block_of(const Matrix& matrix) {
  return gguf::traits(matrix.type).block_elements;
}

}  // namespace

// One loop over the rows of some products: what its chunks are and how one is computed. A copy of
// all that a late thread may look at.
class Multiplier::Loop : public RevocableLoop {
 public:
  Loop(const Multiplier& owner, uint8_t* input)
      : owner_(owner), input_(input), split_(owner.pool_.plan()) {}

  uint8_t* input() const { return input_; }  // memory for a copy of it
  const Split& split() const { return split_; }

  void set_products(std::span<const Product> products, uint32_t block) {
    count_ = 0;
    split_.clear();
    for (const Product& product : products) {
      if (block_of(product.matrix) != block) continue;
      split_.add(product.matrix);
      matrices_[count_] = product.matrix;
      outputs_[count_++] = product.output;
    }
  }
  void set_activations(const kernels::Activations& activations) { activations_ = activations; }

  // The whole chunk, straight to where it belongs.
  void compute_in_place(const Chunk& chunk) {
    const auto ranges = split_.ranges(chunk.share, chunk.index, chunk.of);
    for (uint32_t i = 0; i < count_; ++i) {
      if (ranges[i].begin == ranges[i].end) continue;
      multiplication(i)(matrices_[i], ranges[i].begin, ranges[i].end, activations_,
                        outputs_[i].data, outputs_[i].stride);
    }
  }

  void compute(const Chunk& chunk) override {
    const auto ranges = split_.ranges(chunk.share, chunk.index, chunk.of);
    float* to = owner_.outputs_[chunk.thread];
    for (uint32_t i = 0; i < count_; ++i) {
      const uint32_t groups = ranges[i].end - ranges[i].begin;
      if (groups == 0) continue;
      const uint64_t stride = uint64_t{groups} * kGroupRows;
      Matrix part = matrices_[i];
      part.data += ranges[i].begin * part.group_bytes;
      part.rows = static_cast<uint32_t>(
          std::min<uint64_t>(part.rows - uint64_t{ranges[i].begin} * kGroupRows, stride));
      multiplication(i)(part, 0, groups, activations_, to, stride);
      to += stride * activations_.tokens;
    }
  }

  void commit(const Chunk& chunk) override {
    const auto ranges = split_.ranges(chunk.share, chunk.index, chunk.of);
    const float* from = owner_.outputs_[chunk.thread];
    for (uint32_t i = 0; i < count_; ++i) {
      const uint64_t stride = uint64_t{ranges[i].end - ranges[i].begin} * kGroupRows;
      for (uint32_t token = 0; token < activations_.tokens; ++token, from += stride) {
        std::copy_n(from, stride, outputs_[i].row(token) + uint64_t{ranges[i].begin} * kGroupRows);
      }
    }
  }

 private:
  kernels::Multiply multiplication(uint32_t product) const {
    return owner_.kernels_.multiply[static_cast<uint32_t>(matrices_[product].type)];
  }

  const Multiplier& owner_;
  uint8_t* input_;
  Split split_;
  uint32_t count_ = 0;
  std::array<Matrix, kProductsMax> matrices_{};
  std::array<Rows, kProductsMax> outputs_{};
  kernels::Activations activations_{};
};

Multiplier::Multiplier(const kernels::Kernels& kernels, ThreadPool& pool, const Limits& limits)
    : kernels_(kernels), pool_(pool), limits_(limits) {}

Result<std::unique_ptr<Multiplier>> Multiplier::create(const kernels::Kernels& kernels,
                                                       ThreadPool& pool, const Limits& limits) {
  std::unique_ptr<Multiplier> self(new Multiplier(kernels, pool, limits));
  const uint32_t threads = pool.threads();
  const uint64_t whole = input_bytes(limits.tokens, limits.columns, false);
  const uint64_t copy = input_bytes(kRevocableTokens, limits.columns, true);
  // Twice what the widest product's smallest chunks have: matrices beside each other may differ in
  // the bytes of their rows. What is larger all the same is not revoked.
  const uint64_t chunk_rows =
      round_up(std::max<uint64_t>(2 * kChunkRows,
                                  2 * uint64_t{limits.rows} / (threads * ThreadPool::kChunksMax)),
               64);
  self->chunk_floats_ = chunk_rows * kRevocableTokens;
  const bool alone = threads == 1;  // then nobody is late
  const uint64_t per_thread = alone ? 0 : self->chunk_floats_ * sizeof(float);
  const uint64_t per_slot = alone ? 0 : copy;
  self->memory_ = TRY(Memory::allocate(whole + pool.slots() * per_slot + threads * per_thread,
                                       "the matrix products"));
  uint8_t* at = self->memory_.data();
  self->input_ = at;
  at += whole;
  for (uint32_t slot = 0; slot < pool.slots(); ++slot, at += per_slot) {
    self->loops_.push_back(std::make_unique<Loop>(*self, at));
  }
  for (uint32_t thread = 0; thread < threads; ++thread, at += per_thread) {
    self->outputs_.push_back(reinterpret_cast<float*>(at));
  }
  return self;
}

Multiplier::~Multiplier() {
  pool_.wait_for_late();
}

// Puts the input into the form that weights with this block take: into `memory`, unless it is
// floats and nobody will be late.
kernels::Activations Multiplier::prepare(const Rows& input, uint32_t tokens, uint32_t block,
                                         MakeRow make_row, uint8_t* memory, bool copy) {
  const uint64_t stride = block_stride(tokens);
  auto* blocks = reinterpret_cast<ActivationBlock*>(memory);
  kernels::Activations activations{tokens, input.width, input.data, input.stride, blocks, stride};
  if (block > 1) {
    pool_.run_chunks(tokens, [&](uint64_t index, uint32_t) {
      const auto token = static_cast<uint32_t>(index);
      make_row(token);
      kernels_.quantize(input.row(token), input.width, block, blocks + token, stride);
    });
    return activations;
  }
  pool_.run_chunks(tokens,
                   [&](uint64_t token, uint32_t) { make_row(static_cast<uint32_t>(token)); });
  if (copy) {
    auto* values = reinterpret_cast<float*>(memory);
    activations.values = values;
    activations.value_stride = round_up(input.width, kGroupRows);
    for (uint32_t token = 0; token < tokens; ++token) {
      std::copy_n(input.row(token), input.width, values + token * activations.value_stride);
    }
  }
  return activations;
}

// All that have the same block, and so the same form of the input. False if there are none.
bool Multiplier::run(std::span<const Product> products, const Rows& input, uint32_t tokens,
                     uint32_t block, MakeRow make_row) {
  const uint32_t threads = pool_.threads();
  const uint32_t slot = pool_.free_slot();
  Loop& loop = *loops_[slot];
  loop.set_products(products, block);
  const Split& split = loop.split();
  if (split.groups() == 0) return false;

  const uint64_t groups = split.groups() / threads, rows = groups * kGroupRows;
  const uint64_t groups_most = std::clamp<uint64_t>(groups, 1, ThreadPool::kChunksMax);
  const uint64_t wanted =
      std::max({split.bytes() / threads / kChunkBytes, rows / kChunkRows, kChunksMin});
  const auto chunks = static_cast<uint32_t>(std::min(wanted, groups_most));
  const bool revocable = threads > 1 && tokens <= kRevocableTokens &&
                         uint64_t{split.groups_max(chunks)} * kGroupRows * tokens <= chunk_floats_;
  if (revocable) {
    loop.set_activations(prepare(input, tokens, block, make_row, loop.input(), true));
    pool_.run_revocable(slot, chunks, loop);
    return true;
  }
  loop.set_activations(prepare(input, tokens, block, make_row, input_, false));
  if (threads == 1) {
    loop.compute_in_place({.share = 0, .index = 0, .of = 1, .thread = 0});
    return true;
  }
  const uint64_t coarse = std::clamp(rows / kPromptChunkRows, kPromptChunksMin, kPromptChunksMax);
  pool_.run_shares(static_cast<uint32_t>(std::min(coarse, groups_most)),
                   [&](const Chunk& chunk) { loop.compute_in_place(chunk); });
  return true;
}

void Multiplier::multiply(std::span<const Product> products, const Rows& input, uint32_t tokens,
                          MakeRow make_row) {
  CHECK(tokens <= limits_.tokens && input.width <= limits_.columns);
  for (const Product& product : products) CHECK(product.matrix.columns == input.width);
  const auto nothing = [](uint32_t) {};
  bool made = false;
  for (const uint32_t block : {1u, 32u, 256u}) {
    made |= run(products, input, tokens, block, made ? MakeRow(nothing) : make_row);
  }
}

}  // namespace sotto::model

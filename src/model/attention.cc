// Attention over paged keys and values: [docs/protocols/numerics.md §7] for the order of every sum.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "gguf/blocks.h"
#include "model/pass.h"

namespace sotto::model {
namespace {

using kernels::kTileRows;

constexpr uint32_t kUnitQueries = 48;  // a unit's queries and one page's keys fit the nearer caches

void put_half(uint8_t* halves, uint64_t index, float value) {
  const uint16_t half = gguf::float_to_half(value);
  std::memcpy(halves + 2 * index, &half, 2);
}

}  // namespace

uint32_t Pass::unit_tokens() const {
  return std::max(1u, kUnitQueries / (shape_.heads / shape_.kv_heads));
}

void Pass::make_units() {
  units_.clear();
  const uint32_t most = unit_tokens();
  for (uint32_t begin = 0; begin < tokens(); /* end of the unit */) {
    uint32_t end = begin + 1;
    while (end < tokens() && end - begin < most &&
           tokens_[end].sequence == tokens_[begin].sequence) {
      ++end;
    }
    for (uint32_t head = 0; head < shape_.kv_heads; ++head) units_.push_back({begin, end, head});
    begin = end;
  }
}

// One position's keys and values of all heads, into its page.
void Pass::store(uint32_t layer, uint32_t token, const Rows& key, const Rows& value) {
  const PassToken& where = tokens_[token];
  const KvLayout& layout = where.sequence->layout();
  const uint32_t at = where.position % kPagePositions;
  const uint32_t tile = at / kTileRows, lane = at % kTileRows;
  const uint32_t width = layout.head_width, value_width = layout.value_width;
  uint8_t* page = where.sequence->page(where.position / kPagePositions);
  for (uint32_t head = 0; head < layout.kv_heads; ++head) {
    uint8_t* keys = page + layout.head_offset(layer, head);
    uint8_t* values = keys + layout.key_bytes();
    const float* k = key.row(token) + uint64_t{head} * width;
    const float* v = value.row(token) + uint64_t{head} * value_width;
    if (layout.type == KvType::F16) {
      for (uint32_t i = 0; i < width; ++i) {
        put_half(keys, (uint64_t{tile} * width + i) * kTileRows + lane, k[i]);
      }
      for (uint32_t i = 0; i < value_width; ++i)
        put_half(values, uint64_t{at} * value_width + i, v[i]);
      continue;
    }
    kernels::ActivationBlock blocks[kernels::activation_blocks(kHeadWidthMax)];
    kernels_->quantize(k, width, 32, blocks);
    for (uint32_t i = 0; i < width; i += 4) {
      std::memcpy(keys + (uint64_t{tile} * width + i) * kTileRows + 4 * lane,
                  blocks[i / 256].quants + i % 256, 4);
    }
    uint8_t* key_scales = keys + uint64_t{kPagePositions} * width;
    for (uint32_t b = 0; b < width / 32; ++b) {
      put_half(key_scales, (uint64_t{tile} * (width / 32) + b) * kTileRows + lane,
               blocks[b / 8].scales[b % 8]);
    }
    kernels_->quantize(v, value_width, 32, blocks);
    uint8_t* value_scales = values + uint64_t{kPagePositions} * value_width;
    for (uint32_t b = 0; b < value_width / 32; ++b) {
      std::memcpy(values + uint64_t{at} * value_width + 32 * b, blocks[b / 8].quants + b % 8 * 32,
                  32);
      put_half(value_scales, uint64_t{at} * (value_width / 32) + b, blocks[b / 8].scales[b % 8]);
    }
  }
}

void Pass::attend(uint32_t layer, const Rows& query, const Rows& key, const Rows& value,
                  const float* slopes) {
  for_tokens([&](uint32_t token) { store(layer, token, key, value); });
  // Units differ in length, so threads take them as they come.
  pool_->run_chunks(units_.size(), [&](uint64_t unit, uint32_t thread) {
    attend_unit(units_[unit], layer, query, slopes, scratch_[thread]);
  });
}

// All pages, ascending, for the queries of some tokens that share a key-value head.
void Pass::attend_unit(const AttentionUnit& unit, uint32_t layer, const Rows& query,
                       const float* slopes, const AttentionScratch& scratch) {
  const Sequence& sequence = *tokens_[unit.token_begin].sequence;
  const KvLayout& layout = sequence.layout();
  const uint32_t width = layout.head_width, value_width = layout.value_width;
  const uint32_t group = shape_.heads / shape_.kv_heads;
  const uint32_t count = (unit.token_end - unit.token_begin) * group;
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  for (uint32_t q = 0; q < count; ++q) {
    const uint32_t head = unit.kv_head * group + q % group;
    const float* from = query.row(unit.token_begin + q / group) + uint64_t{head} * width;
    float* to = scratch.queries + uint64_t{q} * width;
    for (uint32_t i = 0; i < width; ++i) to[i] = from[i] * scale;
    if (layout.type == KvType::Q8_0) {
      kernels_->quantize(to, width, 32, scratch.blocks + q * kernels::activation_blocks(width));
    }
    if (slopes != nullptr) scratch.slopes[q] = slopes[head];
  }

  const uint32_t last = tokens_[unit.token_end - 1].position;
  for (uint32_t page = 0; page <= last / kPagePositions; ++page) {
    // Queries that stand before this page see nothing of it: tokens ascend, so they come first.
    const uint32_t page_begin = page * kPagePositions;
    uint32_t skip = 0;
    for (uint32_t q = 0; q < count; ++q) {
      const uint32_t position = tokens_[unit.token_begin + q / group].position;
      if (position < page_begin) skip = q + 1;
      scratch.visible[q] = std::min(position - page_begin + 1, kPagePositions);
      scratch.offsets[q] = static_cast<int32_t>(position - page_begin);
    }
    const uint8_t* keys = sequence.page(page) + layout.head_offset(layer, unit.kv_head);
    const kernels::PageView view{layout.type, width, value_width, keys, keys + layout.key_bytes()};
    const kernels::Queries queries{count - skip,
                                   scratch.queries + uint64_t{skip} * width,
                                   scratch.blocks + skip * kernels::activation_blocks(width),
                                   scratch.visible + skip,
                                   slopes == nullptr ? nullptr : scratch.slopes + skip,
                                   scratch.offsets + skip};
    const auto from_skip = [&](const kernels::Partials& p) {
      return kernels::Partials{p.largest + skip, p.sums + skip,
                               p.outputs + uint64_t{skip} * value_width};
    };
    if (page == 0) {
      kernels_->attend(view, queries, scratch.total);
    } else {
      kernels_->attend(view, queries, from_skip(scratch.page));
      kernels_->merge(count - skip, value_width, from_skip(scratch.total), from_skip(scratch.page));
    }
  }
  for (uint32_t q = 0; q < count; ++q) {
    const float inverse = 1.0f / scratch.total.sums[q];
    const uint32_t head = unit.kv_head * group + q % group;
    float* out = attended.row(unit.token_begin + q / group) + uint64_t{head} * value_width;
    const float* from = scratch.total.outputs + uint64_t{q} * value_width;
    for (uint32_t i = 0; i < value_width; ++i) out[i] = from[i] * inverse;
  }
}

}  // namespace sotto::model

// Attention over paged keys and values: [docs/protocols/numerics.md §7] for the order of every sum.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/pass.h"

namespace sotto::model {
namespace {

using kernels::kTileRows;

constexpr uint32_t kUnitQueries = 48;  // a unit's queries and one page's keys fit the nearer caches
constexpr uint32_t kItemsPerThread = 4;  // pieces of work, so that threads end at about one time

kernels::Partials rows_from(const kernels::Partials& partials, uint64_t row, uint32_t width) {
  return {partials.largest + row, partials.sums + row, partials.outputs + row * width};
}

}  // namespace

uint32_t Pass::unit_tokens() const {
  return std::max(1u, kUnitQueries / (shape_.heads / shape_.kv_heads));
}

void Pass::make_units() {
  units_.clear();
  pages_max_ = 0;
  const uint32_t most = unit_tokens();
  for (uint32_t begin = 0; begin < tokens(); /* end of the unit */) {
    uint32_t end = begin + 1;
    while (end < tokens() && end - begin < most &&
           tokens_[end].sequence == tokens_[begin].sequence) {
      ++end;
    }
    for (uint32_t head = 0; head < shape_.kv_heads; ++head) units_.push_back({begin, end, head});
    pages_max_ = std::max(pages_max_, unit_pages(units_.back()));
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
      uint16_t halves[kHeadWidthMax];
      kernels_->to_half(k, width, halves);
      for (uint32_t i = 0; i < width; ++i) {
        std::memcpy(keys + 2 * ((uint64_t{tile} * width + i) * kTileRows + lane), &halves[i], 2);
      }
      kernels_->to_half(v, value_width, halves);
      std::memcpy(values + 2 * uint64_t{at} * value_width, halves, 2 * uint64_t{value_width});
      continue;
    }
    kernels::ActivationBlock blocks[kernels::activation_blocks(kHeadWidthMax)];
    uint16_t scale;
    kernels_->quantize(k, width, 32, blocks, 1);
    for (uint32_t i = 0; i < width; i += 4) {
      std::memcpy(keys + (uint64_t{tile} * width + i) * kTileRows + 4 * lane,
                  blocks[i / 256].quants + i % 256, 4);
    }
    uint8_t* key_scales = keys + uint64_t{kPagePositions} * width;
    for (uint32_t b = 0; b < width / 32; ++b) {
      kernels_->to_half(&blocks[b / 8].scales[b % 8], 1, &scale);
      std::memcpy(key_scales + 2 * ((uint64_t{tile} * (width / 32) + b) * kTileRows + lane), &scale,
                  2);
    }
    kernels_->quantize(v, value_width, 32, blocks, 1);
    uint8_t* value_scales = values + uint64_t{kPagePositions} * value_width;
    for (uint32_t b = 0; b < value_width / 32; ++b) {
      std::memcpy(values + uint64_t{at} * value_width + 32 * b, blocks[b / 8].quants + b % 8 * 32,
                  32);
      kernels_->to_half(&blocks[b / 8].scales[b % 8], 1, &scale);
      std::memcpy(value_scales + 2 * (uint64_t{b} * kPagePositions + at), &scale, 2);
    }
  }
}

uint32_t Pass::unit_queries(const AttentionUnit& unit) const {
  return (unit.token_end - unit.token_begin) * (shape_.heads / shape_.kv_heads);
}

// The number of queries of the batch before those of the unit: where its rows begin.
uint32_t Pass::unit_row(const AttentionUnit& unit) const {
  return unit.token_begin * shape_.heads + unit.kv_head * unit_queries(unit);
}

uint32_t Pass::unit_pages(const AttentionUnit& unit) const {
  return tokens_[unit.token_end - 1].position / kPagePositions + 1;
}

void Pass::attend(uint32_t layer, const Rows& query, const Rows& key, const Rows& value,
                  const float* slopes) {
  for_tokens([&](uint32_t token) { store(layer, token, key, value); });
  if (pages_split()) return attend_split(layer, query, slopes);
  // Units differ in length, so threads take them as they come; the last ones see the most pages, so they
  // come first.
  pool_->run_chunks(units_.size(), [&](uint64_t unit, uint32_t thread) {
    attend_unit(units_[units_.size() - 1 - unit], layer, query, slopes, scratch_[thread]);
  });
}

// The queries of a unit, side by side and scaled.
void Pass::prepare_queries(const AttentionUnit& unit, const Rows& query, const float* slopes,
                           const AttentionScratch& scratch) {
  const KvLayout& layout = tokens_[unit.token_begin].sequence->layout();
  const uint32_t width = layout.head_width;
  const uint32_t group = shape_.heads / shape_.kv_heads;
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  for (uint32_t q = 0; q < unit_queries(unit); ++q) {
    const uint32_t head = unit.kv_head * group + q % group;
    const float* from = query.row(unit.token_begin + q / group) + uint64_t{head} * width;
    float* to = scratch.queries + uint64_t{q} * width;
    for (uint32_t i = 0; i < width; ++i) to[i] = from[i] * scale;
    if (layout.type == KvType::Q8_0) {
      kernels_->quantize(to, width, 32, scratch.blocks + q * kernels::activation_blocks(width), 1);
    }
    if (slopes != nullptr) scratch.slopes[q] = slopes[head];
  }
}

// One page for the prepared queries of a unit, into the rows of `out`. The first queries may stand
// before the page and see nothing of it: their number is returned, their rows are left alone.
// Pages below `page_end` are next.
uint32_t Pass::attend_page(const AttentionUnit& unit, uint32_t layer, uint32_t page,
                           uint32_t page_end, const AttentionScratch& scratch, bool biased,
                           const kernels::Partials& out) {
  const Sequence& sequence = *tokens_[unit.token_begin].sequence;
  const KvLayout& layout = sequence.layout();
  const uint32_t group = shape_.heads / shape_.kv_heads;
  const uint32_t count = unit_queries(unit);
  const uint32_t page_begin = page * kPagePositions;
  uint32_t skip = 0;
  for (uint32_t q = 0; q < count; ++q) {
    const uint32_t position = tokens_[unit.token_begin + q / group].position;
    if (position < page_begin) skip = q + 1;  // tokens ascend
    scratch.visible[q] = std::min(position - page_begin + 1, kPagePositions);
    scratch.offsets[q] = static_cast<int32_t>(position - page_begin);
  }
  const uint64_t offset = layout.head_offset(layer, unit.kv_head);
  const uint8_t* keys = sequence.page(page) + offset;
  const uint8_t* ahead = page + 1 < page_end ? sequence.page(page + 1) + offset : nullptr;
  const kernels::PageView view{layout.type,
                               layout.head_width,
                               layout.value_width,
                               keys,
                               keys + layout.key_bytes(),
                               ahead,
                               layout.key_bytes() + layout.value_bytes()};
  const kernels::Queries queries{
      count - skip,
      scratch.queries + uint64_t{skip} * layout.head_width,
      scratch.blocks + skip * kernels::activation_blocks(layout.head_width),
      scratch.visible + skip,
      biased ? scratch.slopes + skip : nullptr,
      scratch.offsets + skip};
  kernels_->attend(view, queries, rows_from(out, skip, layout.value_width));
  return skip;
}

// attended = the outputs of one query over the sum of its weights, when all pages are merged.
void Pass::finish_query(const AttentionUnit& unit, uint32_t query, const kernels::Partials& total) {
  const uint32_t group = shape_.heads / shape_.kv_heads;
  const uint32_t head = unit.kv_head * group + query % group;
  const float inverse = 1.0f / total.sums[0];
  float* out = attended.row(unit.token_begin + query / group) + uint64_t{head} * shape_.value_width;
  for (uint32_t i = 0; i < shape_.value_width; ++i) out[i] = total.outputs[i] * inverse;
}

// All pages, ascending, for the queries of some tokens that share a key-value head.
void Pass::attend_unit(const AttentionUnit& unit, uint32_t layer, const Rows& query,
                       const float* slopes, const AttentionScratch& scratch) {
  const bool biased = slopes != nullptr;
  const uint32_t count = unit_queries(unit), pages = unit_pages(unit);
  const uint32_t width = shape_.value_width;
  prepare_queries(unit, query, slopes, scratch);
  attend_page(unit, layer, 0, pages, scratch, biased, scratch.total);
  for (uint32_t page = 1; page < pages; ++page) {
    const uint32_t skip = attend_page(unit, layer, page, pages, scratch, biased, scratch.page);
    kernels_->merge(count - skip, width, rows_from(scratch.total, skip, width),
                    rows_from(scratch.page, skip, width));
  }
  for (uint32_t q = 0; q < count; ++q) {
    finish_query(unit, q, rows_from(scratch.total, q, width));
  }
}

// Where units are fewer than would keep all threads busy, a unit's pages go to several threads.
bool Pass::pages_split() const {
  const uint32_t threads = pool_->threads();
  if (threads == 1 || units_.size() >= uint64_t{kItemsPerThread} * threads) return false;
  return pages_max_ >= kItemsPerThread && tokens() * shape_.heads * kSplitPagesMin <= split_rows_;
}

// Pages are independent until they are merged, and merged in ascending order. Each round takes as
// many pages as there is room for.
void Pass::attend_split(uint32_t layer, const Rows& query, const float* slopes) {
  const uint32_t rows = tokens() * shape_.heads;  // of one page
  const uint32_t units = static_cast<uint32_t>(units_.size());
  const uint32_t wanted = (kItemsPerThread * pool_->threads() + units - 1) / units;
  for (uint32_t round = 0; round < pages_max_; round += split_rows_ / rows) {
    const uint32_t round_end = std::min(pages_max_, round + split_rows_ / rows);
    const uint32_t length = (round_end - round + wanted - 1) / wanted;  // of an item, in pages
    const uint32_t items = (round_end - round + length - 1) / length;   // of a unit
    pool_->run_chunks(uint64_t{units} * items, [&](uint64_t item, uint32_t thread) {
      const AttentionScratch& scratch = scratch_[thread];
      const AttentionUnit& unit = units_[item / items];
      const uint32_t begin = round + static_cast<uint32_t>(item % items) * length;
      const uint32_t end = std::min({begin + length, round_end, unit_pages(unit)});
      if (begin < end) prepare_queries(unit, query, slopes, scratch);
      for (uint32_t page = begin; page < end; ++page) {
        const uint64_t row = uint64_t{page - round} * rows + unit_row(unit);
        attend_page(unit, layer, page, end, scratch, slopes != nullptr,
                    rows_from(split_pages_, row, shape_.value_width));
      }
    });
    pool_->run_chunks(pool_->threads(), [&](uint64_t part, uint32_t) {
      merge_split(static_cast<uint32_t>(part), round, round_end);
    });
  }
}

// Every so-manieth query's pages of this round, into its total.
void Pass::merge_split(uint32_t part, uint32_t page_begin, uint32_t page_end) {
  const uint32_t rows = tokens() * shape_.heads, width = shape_.value_width;
  for (const AttentionUnit& unit : units_) {
    for (uint32_t q = 0; q < unit_queries(unit); ++q) {
      const uint32_t row = unit_row(unit) + q;
      if (row % pool_->threads() != part) continue;
      const uint32_t token = unit.token_begin + q / (shape_.heads / shape_.kv_heads);
      const uint32_t pages = tokens_[token].position / kPagePositions + 1;
      const kernels::Partials total = rows_from(split_total_, row, width);
      for (uint32_t page = page_begin; page < std::min(pages, page_end); ++page) {
        const kernels::Partials next =
            rows_from(split_pages_, uint64_t{page - page_begin} * rows + row, width);
        if (page > 0) {
          kernels_->merge(1, width, total, next);
        } else {
          *total.largest = *next.largest;
          *total.sums = *next.sums;
          std::copy_n(next.outputs, width, total.outputs);
        }
      }
      if (pages > page_begin && pages <= page_end) finish_query(unit, q, total);
    }
  }
}

}  // namespace sotto::model

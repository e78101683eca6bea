// Keys and values of past positions: a pool of pages, sized once, and the sequences that hold them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "kernels/kernels.h"

namespace sotto::model {

// A page is exactly what the attention contract [docs/protocols/numerics.md] treats as one block.
using kernels::kPagePositions;
using kernels::KvType;

// What one page of a given model holds.
struct KvLayout {
  KvType type;
  uint32_t layers;
  uint32_t kv_heads;
  uint32_t head_width;
  uint32_t value_width;

  uint64_t key_bytes() const;    // of one head in one page
  uint64_t value_bytes() const;  // of one head in one page
  uint64_t page_bytes() const;
  // Where the keys of one head of one layer begin in a page; its values follow.
  uint64_t head_offset(uint32_t layer, uint32_t kv_head) const;
};

class KvCache;

// One sequence's positions. Move-only; gives its pages up when it ends. Not thread-safe: owned by the
// engine's thread. The cache must outlive it.
class Sequence {
 public:
  Sequence() = default;
  Sequence(Sequence&& other) noexcept;
  Sequence& operator=(Sequence&& other) noexcept;
  ~Sequence();

  uint32_t length() const { return length_; }
  uint32_t capacity() const { return static_cast<uint32_t>(pages_.size()) * kPagePositions; }
  // Forgets the positions from `length` on.
  void truncate(uint32_t length);
  // Where forward() has written `count` more positions.
  void advance(uint32_t count);
  uint8_t* page(uint32_t index) const;
  // The numbers of its pages in the cache, in the order of their positions.
  std::span<const uint32_t> pages() const { return pages_; }
  const KvLayout& layout() const;

 private:
  friend class KvCache;
  KvCache* cache_ = nullptr;
  std::vector<uint32_t> pages_;
  uint32_t length_ = 0;
  uint32_t written_ = 0;  // the greatest length there ever was
};

// A pool of pages, allocated when made. A page has one holder or several; when the last gives it up it
// is wiped and free. Not thread-safe.
class KvCache {
 public:
  // `exhausted` when `positions` positions (rounded up to pages) need more memory than the machine
  // has available, with both numbers.
  static Result<std::unique_ptr<KvCache>> create(const KvLayout& layout, uint64_t positions);
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  // A sequence with room for `positions`; `exhausted` when too few pages are free. It begins with the
  // positions of `shared`, whole pages of other sequences, which it holds too and never changes.
  Result<Sequence> reserve(uint32_t positions, std::span<const uint32_t> shared = {});

  // One holder more, and one less, of a page that is held; who shares a page has filled it.
  void hold(uint32_t page);
  void release(uint32_t page) { release(page, true); }
  uint32_t holders(uint32_t page) const { return holders_[page]; }

  const KvLayout& layout() const { return layout_; }
  uint64_t bytes() const;
  uint32_t pages() const { return page_count_; }
  uint32_t pages_free() const { return static_cast<uint32_t>(free_.size()); }

 private:
  friend class Sequence;
  KvCache(const KvLayout& layout, uint32_t pages, Memory memory);
  void release(uint32_t page, bool written);

  KvLayout layout_;
  uint32_t page_count_;
  Memory memory_;
  std::vector<uint32_t> holders_;  // of each page
  std::vector<uint32_t> free_;
};

}  // namespace sotto::model

// The pool of pages and the sequences that borrow from it.
// SPDX-License-Identifier: Apache-2.0
#include "model/kv_cache.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/topology.h"

namespace sotto::model {
namespace {

uint64_t head_bytes(KvType type, uint32_t width) {
  const uint64_t elements = uint64_t{kPagePositions} * width;
  return type == KvType::F16 ? 2 * elements : elements + elements / 32 * 2;
}

}  // namespace

uint64_t KvLayout::key_bytes() const {
  return head_bytes(type, head_width);
}
uint64_t KvLayout::value_bytes() const {
  return head_bytes(type, value_width);
}
uint64_t KvLayout::page_bytes() const {
  return uint64_t{layers} * kv_heads * (key_bytes() + value_bytes());
}
uint64_t KvLayout::head_offset(uint32_t layer, uint32_t kv_head) const {
  return (uint64_t{layer} * kv_heads + kv_head) * (key_bytes() + value_bytes());
}

Sequence::Sequence(Sequence&& other) noexcept {
  *this = std::move(other);
}

Sequence& Sequence::operator=(Sequence&& other) noexcept {
  std::swap(cache_, other.cache_);
  std::swap(pages_, other.pages_);
  std::swap(length_, other.length_);
  std::swap(written_, other.written_);
  return *this;
}

Sequence::~Sequence() {
  for (uint32_t i = 0; i < pages_.size(); ++i) {
    cache_->release(pages_[i], uint64_t{i} * kPagePositions < written_);
  }
}

void Sequence::truncate(uint32_t length) {
  CHECK(length <= length_);
  length_ = length;
}

void Sequence::advance(uint32_t count) {
  CHECK(uint64_t{length_} + count <= capacity());
  length_ += count;
  written_ = std::max(written_, length_);
}

uint8_t* Sequence::page(uint32_t index) const {
  CHECK(index < pages_.size());
  return cache_->memory_.data() + pages_[index] * cache_->layout_.page_bytes();
}

const KvLayout& Sequence::layout() const {
  return cache_->layout_;
}

KvCache::KvCache(const KvLayout& layout, uint32_t pages, Memory memory)
    : layout_(layout),
      page_count_(pages),
      memory_(std::move(memory)),
      holders_(pages),
      free_(pages) {
  for (uint32_t i = 0; i < pages; ++i) free_[i] = pages - 1 - i;
}

Result<std::unique_ptr<KvCache>> KvCache::create(const KvLayout& layout, uint64_t positions) {
  if (layout.type == KvType::Q8_0 &&
      (layout.head_width % 32 != 0 || layout.value_width % 32 != 0)) {
    return fail(ErrorKind::unsupported,
                "key-value type q8_0 needs heads of a multiple of 32, this model's are {} and {}: "
                "use f16",
                layout.head_width, layout.value_width);
  }
  const uint64_t pages = (positions + kPagePositions - 1) / kPagePositions;
  if (pages == 0 || pages > (1u << 30) || layout.page_bytes() > (uint64_t{1} << 50) / pages) {
    return fail(ErrorKind::exhausted, "a key-value cache of {} positions is not possible",
                positions);
  }
  Memory memory = TRY(Memory::allocate(pages * layout.page_bytes(), "the key-value cache"));
  // Any thread may attend any head of any sequence.
  place_on_all_nodes(memory.data(), memory.bytes());
  return std::unique_ptr<KvCache>(
      new KvCache(layout, static_cast<uint32_t>(pages), std::move(memory)));
}

Result<Sequence> KvCache::reserve(uint32_t positions, std::span<const uint32_t> shared) {
  const uint64_t all = (uint64_t{positions} + kPagePositions - 1) / kPagePositions;
  CHECK(shared.size() <= all);
  const uint64_t wanted = all - shared.size();
  if (wanted > free_.size()) {
    return fail(ErrorKind::exhausted,
                "{} positions need {} pages of the key-value cache, {} of {} "
                "are free",
                positions, wanted, free_.size(), page_count_);
  }
  Sequence sequence;
  sequence.cache_ = this;
  sequence.pages_.reserve(all);
  for (const uint32_t page : shared) hold(page);
  sequence.pages_.assign(shared.begin(), shared.end());
  for (uint64_t i = 0; i < wanted; ++i) {
    const uint32_t page = free_.back();
    free_.pop_back();
    holders_[page] = 1;
    sequence.pages_.push_back(page);
  }
  sequence.length_ = sequence.written_ = static_cast<uint32_t>(shared.size()) * kPagePositions;
  return sequence;
}

uint64_t KvCache::bytes() const {
  return memory_.bytes();
}

void KvCache::hold(uint32_t page) {
  CHECK(holders_[page] > 0);
  ++holders_[page];
}

void KvCache::release(uint32_t page, bool written) {
  CHECK(holders_[page] > 0);
  if (--holders_[page] > 0) return;
  // Keys and values are the prompt in another form: the next holder of a page must not find them.
  if (written) wipe(memory_.data() + page * layout_.page_bytes(), layout_.page_bytes());
  free_.push_back(page);
}

}  // namespace sotto::model

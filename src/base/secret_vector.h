// Containers whose memory is overwritten before it is given back: for tokens, logits and keys.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "base/memory.h"

namespace sotto {

// Wipes whatever it frees, a vector's old buffer after growth included. For trivially copyable
// elements that is all of the content; elements with memory of their own need an allocator too.
// `Source` is where the memory comes from and goes to.
template <class T, template <class> class Source = std::allocator>
struct WipingAllocator {
  using value_type = T;
  template <class U>
  struct rebind {
    using other = WipingAllocator<U, Source>;
  };
  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U, Source>&) {}  // NOLINT(google-explicit-constructor)

  T* allocate(size_t count) { return Source<T>().allocate(count); }
  void deallocate(T* data, size_t count) {
    wipe(data, count * sizeof(T));
    Source<T>().deallocate(data, count);
  }
  bool operator==(const WipingAllocator&) const { return true; }
};

template <class T>
using SecretVector = std::vector<T, WipingAllocator<T>>;
template <class T>
using SecretDeque = std::deque<T, WipingAllocator<T>>;

}  // namespace sotto

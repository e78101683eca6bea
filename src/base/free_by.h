// A deleter for what a C library gives out: std::unique_ptr<BIGNUM, FreeBy<BN_free>>.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sotto {

template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

}  // namespace sotto

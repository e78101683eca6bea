// The end of a process whose own invariant did not hold.
// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace sotto {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "sotto: %s:%d: check failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace sotto

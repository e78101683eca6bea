// CHECK: a programmer's error stops the process; what an outsider can cause is a Result instead.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sotto {

// Prints place and condition, never values (they may be prompt text), and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition);

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::sotto::check_failed(__FILE__, __LINE__, #condition))

}  // namespace sotto

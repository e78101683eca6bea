// Whoever does long work reports it here; who shows it is not its concern.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sotto {

// Called now and then, from one thread at a time, with units done and in all (bytes, steps).
// Empty means nobody watches.
using Progress = std::function<void(uint64_t done, uint64_t total)>;

// A bar on standard error with percentage, rate and time left, for work counted in bytes; shown
// only when standard error is a terminal and the work takes over a second. Erased when `total` is
// reached.
Progress terminal_progress(std::string what);

}  // namespace sotto

// Unpredictable bytes, and comparing without telling where two secrets differ.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace sotto::crypto {

// From the system's generator, by way of OpenSSL's; a system without one ends the program.
void fill_random(std::span<uint8_t> out);
uint64_t random_u64();

// In a time that depends on the lengths alone; false for different lengths.
bool equal_secrets(Bytes a, Bytes b);

}  // namespace sotto::crypto

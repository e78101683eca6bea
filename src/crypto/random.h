// Unpredictable bytes, where keys lie, and comparing without telling where two secrets differ.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace sotto::crypto {

// Private keys that are made from here on lie in memory of their own, which is locked as far as the system lets it,
// and between pages that nobody may touch. Once, before the first key.
void keep_keys_apart();

// From the system's generator, by way of OpenSSL's; a system without one ends the program.
void fill_random(std::span<uint8_t> out);
uint64_t random_u64();

// In a time that depends on the lengths alone; false for different lengths.
bool equal_secrets(Bytes a, Bytes b);

}  // namespace sotto::crypto

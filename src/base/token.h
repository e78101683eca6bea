// The number of a vocabulary entry, shared by model, tokenizer and engine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sotto {

using TokenId = int32_t;

}  // namespace sotto

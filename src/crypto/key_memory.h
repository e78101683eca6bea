// Where private keys lie.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sotto::crypto {

// Private keys that are made from here on lie in memory of their own, which is locked as far as the system lets it,
// and between pages that nobody may touch. Once, before the first key.
void keep_keys_apart();

}  // namespace sotto::crypto

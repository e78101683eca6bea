// OpenSSL's secure heap, which private keys of EVP go to by themselves.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_memory.h"

#include <openssl/crypto.h>

namespace sotto::crypto {

void keep_keys_apart() {
  constexpr size_t kBytes = 1 << 20, kSmallest = 32;  // 16,384 keys at once
  // 2: it is there, but the system let it not be locked. Without it keys lie where everything does.
  (void)CRYPTO_secure_malloc_init(kBytes, kSmallest);
}

}  // namespace sotto::crypto

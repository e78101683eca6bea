// Where private keys lie.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/key_memory.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <cstdlib>

#include "crypto/issue.h"
#include "crypto/x25519.h"

namespace sotto::crypto {
namespace {

// In a process of its own: it cannot be taken back.
TEST(KeyMemory, keys_lie_apart) {
  const auto lie_apart = [] {
    keep_keys_apart();
    const size_t before = CRYPTO_secure_used();
    const X25519Key agreement = X25519Key::generate();
    const size_t with_one = CRYPTO_secure_used();
    const KeyPair tls(KeyType::ec_p256);
    const size_t with_two = CRYPTO_secure_used();
    return before < with_one && with_one < with_two;
  };
  EXPECT_EXIT(std::_Exit(lie_apart() ? 0 : 1), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sotto::crypto

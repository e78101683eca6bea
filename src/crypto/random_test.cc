// Comparing secrets.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <gtest/gtest.h>

namespace sotto::crypto {
namespace {

TEST(Random, compares_secrets) {
  EXPECT_TRUE(equal_secrets(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_secrets(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_secrets(as_bytes("abc"), as_bytes("ab")));
}

}  // namespace
}  // namespace sotto::crypto

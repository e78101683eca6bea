// The other hashes against the published examples.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <gtest/gtest.h>

#include "base/text_encoding.h"

namespace sotto::crypto {
namespace {

// [FIPS180-4] examples for "abc", as published by NIST.
TEST(Hash, matches_published_examples) {
  const Bytes abc = as_bytes("abc");
  EXPECT_EQ(hex_of(sha1(abc)), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_of(hash(HashAlgorithm::sha256, abc)),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_of(sha384(abc)),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(hex_of(sha512(abc)),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(hash(HashAlgorithm::sha1, {}).size(), digest_bytes(HashAlgorithm::sha1));
}

}  // namespace
}  // namespace sotto::crypto

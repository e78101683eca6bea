// HPKE against the specification's vectors, and everything that must not open.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/hpke.h"

#include <gtest/gtest.h>

#include "base/text_encoding.h"

namespace sotto::crypto {
namespace {

std::vector<uint8_t> hex(std::string_view text) {
  return bytes_of_hex(text).value();
}

std::array<uint8_t, 32> hex32(std::string_view text) {
  const std::vector<uint8_t> bytes = hex(text);
  std::array<uint8_t, 32> out{};
  EXPECT_EQ(bytes.size(), out.size());
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

// Test case 1 of [RFC5869 §A.1].
TEST(Hkdf, gives_the_published_bytes) {
  const std::vector<uint8_t> input(22, 0x0b);
  const Secret key = hkdf_extract(hex("000102030405060708090a0b0c"), input);
  EXPECT_EQ(hex_of(key), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  EXPECT_EQ(hex_of(hkdf_expand(key, hex("f0f1f2f3f4f5f6f7f8f9"), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(hkdf_expand(key, {}, kHkdfExpandBytesMax).size(), kHkdfExpandBytesMax);
}

TEST(X25519, agrees_and_refuses_points_of_small_order) {
  const X25519Key a = X25519Key::generate();
  const X25519Key b = X25519Key::generate();
  EXPECT_EQ(a.agree(b.public_bytes()).value(), b.agree(a.public_bytes()).value());
  EXPECT_NE(a.agree(a.public_bytes()).value(), a.agree(b.public_bytes()).value());
  // Points of small order.
  for (const char* peer : {"0000000000000000000000000000000000000000000000000000000000000000",
                           "0100000000000000000000000000000000000000000000000000000000000000",
                           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"}) {
    EXPECT_FALSE(a.agree(hex32(peer))) << peer;
  }
}

// [RFC9180 §A.1.1]
TEST(Hpke, gives_the_published_bytes) {
  const X25519Key ephemeral = X25519Key::from_private(
      hex32("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736"));
  const X25519Key receiver = X25519Key::from_private(
      hex32("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"));
  EXPECT_EQ(hex_of(receiver.public_bytes()),
            "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d");
  const std::vector<uint8_t> info = hex("4f6465206f6e2061204772656369616e2055726e");
  auto sender = hpke_sender(AeadId::aes_128_gcm, receiver.public_bytes(), info, ephemeral);
  ASSERT_TRUE(sender);
  EXPECT_EQ(hex_of(sender->enc),
            "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431");
  auto context = hpke_receiver(AeadId::aes_128_gcm, receiver, sender->enc, info);
  ASSERT_TRUE(context);
  const std::vector<uint8_t> text =
      hex("4265617574792069732074727574682c20747275746820626561757479");
  const struct {
    const char* aad;
    const char* sealed;
  } messages[] = {
      {"436f756e742d30",
       "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512"
       "a"},
      {"436f756e742d31",
       "af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b8"
       "4"},
  };
  for (const auto& [aad, sealed] : messages) {
    EXPECT_EQ(hex_of(sender->context.seal(hex(aad), text).value()), sealed);
    const auto opened = context->open(hex(aad), hex(sealed));
    ASSERT_TRUE(opened);
    EXPECT_EQ(hex_of(*opened), hex_of(text));
  }
  EXPECT_EQ(hex_of(context->export_secret({}, 32)),
            "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee");
  EXPECT_EQ(hex_of(context->export_secret(as_bytes("TestContext"), 32)),
            "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931");
}

TEST(Hpke, opens_only_what_was_sealed_in_order_for_the_same_info) {
  for (AeadId aead : kAeads) {
    SCOPED_TRACE(to_string(aead));
    const X25519Key receiver = X25519Key::generate();
    auto sender = hpke_sender(aead, receiver.public_bytes(), as_bytes("info"));
    ASSERT_TRUE(sender);
    const auto first = sender->context.seal(as_bytes("a"), as_bytes("one")).value();
    const auto second = sender->context.seal({}, as_bytes("two")).value();
    const auto open = [&] { return hpke_receiver(aead, receiver, sender->enc, as_bytes("info")); };
    auto context = open();
    ASSERT_TRUE(context);
    EXPECT_EQ(context->open({}, second).error().kind, ErrorKind::untrusted);  // not its turn
    for (size_t bit = 0; bit < first.size() * 8; ++bit) {
      std::vector<uint8_t> bad = first;
      bad[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_FALSE(context->open(as_bytes("a"), bad));
    }
    EXPECT_FALSE(context->open(as_bytes("b"), first));
    EXPECT_FALSE(context->open(as_bytes("a"), {}));
    EXPECT_TRUE(context->open(as_bytes("a"), first));
    EXPECT_FALSE(context->open(as_bytes("a"), first));  // twice
    EXPECT_TRUE(context->open({}, second));
    auto other = hpke_receiver(aead, receiver, sender->enc, as_bytes("other"));
    EXPECT_FALSE(other->open(as_bytes("a"), first));
    auto stranger = hpke_receiver(aead, X25519Key::generate(), sender->enc, as_bytes("info"));
    EXPECT_FALSE(stranger->open(as_bytes("a"), first));
  }
  EXPECT_FALSE(hpke_sender(AeadId::aes_128_gcm, X25519Public{}, {}));
  EXPECT_FALSE(hpke_receiver(AeadId::aes_128_gcm, X25519Key::generate(), X25519Public{}, {}));
}

}  // namespace
}  // namespace sotto::crypto

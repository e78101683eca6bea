// Two sessions talk through memory; bad bytes, cut streams, and keys that do not belong.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/tls.h"

#include <gtest/gtest.h>

#include <ctime>

namespace sotto::crypto {
namespace {

CertificateSpec spec() {
  CertificateSpec what;
  what.common_name = "node";
  what.not_before = std::time(nullptr) - 60;
  what.not_after = what.not_before + 86400;
  return what;
}

std::shared_ptr<const TlsServer> make_server() {
  const KeyPair key(KeyType::ec_p256);
  return TlsServer::create(issue_certificate(spec(), key.public_key(), nullptr, key), key).value();
}

// Carries bytes both ways until nothing moves; what each side read.
struct Wire {
  std::shared_ptr<const TlsServer> identity = make_server();
  TlsSession server{identity};
  TlsSession client = TlsSession::client_for_testing();
  std::string server_read;
  std::string client_read;

  Result<void> pull(TlsSession& session, std::string& into) {
    char buffer[1000];
    for (;;) {
      const size_t size = TRY(session.read(buffer));
      if (size == 0) return {};
      into.append(buffer, size);
    }
  }
  Result<void> run() {
    for (bool moved = true; moved;) {
      TRY(pull(client, client_read));
      const std::vector<uint8_t> there = client.take();
      server.feed(there);
      TRY(pull(server, server_read));
      const std::vector<uint8_t> back = server.take();
      client.feed(back);
      moved = !there.empty() || !back.empty();
    }
    return {};
  }
};

TEST(Tls, talks_both_ways_and_ends) {
  Wire wire;
  const std::string large(200000, 'x');
  ASSERT_TRUE(wire.client.write("early"));  // before the handshake
  ASSERT_TRUE(wire.run());
  EXPECT_TRUE(wire.client.established() && wire.server.established());
  EXPECT_EQ(wire.client.protocol(), "TLSv1.3");
  EXPECT_TRUE(wire.client.group() == "x25519" || wire.client.group() == "X25519MLKEM768")
      << wire.client.group();
  EXPECT_EQ(wire.client.peer_spki(), wire.identity->spki());
  EXPECT_EQ(wire.server_read, "early");
  ASSERT_TRUE(wire.server.write(large));
  ASSERT_TRUE(wire.run());
  EXPECT_EQ(wire.client_read, large);
  EXPECT_EQ(wire.client.state(), TlsSession::State::open);
  wire.server.close();
  ASSERT_TRUE(wire.run());
  EXPECT_EQ(wire.client.state(), TlsSession::State::closed);
}

TEST(Tls, refuses_bytes_that_are_none_of_its_own) {
  Wire wire;
  ASSERT_TRUE(wire.run());
  ASSERT_TRUE(wire.client.write("a secret"));
  std::vector<uint8_t> record = wire.client.take();
  record.back() ^= 1;
  wire.server.feed(record);
  char buffer[100];
  EXPECT_EQ(wire.server.read(buffer).error().kind, ErrorKind::untrusted);

  TlsSession plain(make_server());
  plain.feed(as_bytes("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
  EXPECT_FALSE(plain.read(buffer));
  TlsSession quiet(make_server());
  EXPECT_EQ(quiet.read(buffer).value(), 0u);  // waits
  EXPECT_FALSE(quiet.established());
}

TEST(Tls, takes_a_key_only_with_its_certificate) {
  const KeyPair key(KeyType::ec_p256);
  const KeyPair other(KeyType::ec_p256);
  const Certificate certificate = issue_certificate(spec(), key.public_key(), nullptr, key);
  EXPECT_TRUE(TlsServer::create(certificate, key));
  EXPECT_FALSE(TlsServer::create(certificate, other));
  const std::string pem = pem_of({certificate});
  EXPECT_TRUE(TlsServer::create(pem, private_key_pem(key)));
  EXPECT_FALSE(TlsServer::create(pem, private_key_pem(other)));
  EXPECT_FALSE(TlsServer::create(pem, pem));
  EXPECT_FALSE(TlsServer::create("", private_key_pem(key)));
}

}  // namespace
}  // namespace sotto::crypto

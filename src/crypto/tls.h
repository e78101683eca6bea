// TLS 1.3 without sockets: bytes in, bytes out [RFC8446].
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/issue.h"
#include "crypto/x509.h"

// OpenSSL's own forward declarations, so that its headers stay inside crypto/.
typedef struct ssl_ctx_st SSL_CTX;  // NOLINT(modernize-use-using)
typedef struct ssl_st SSL;          // NOLINT(modernize-use-using)

namespace sotto::crypto {

// A server's certificate and key, and how it speaks: TLS 1.3 alone, X25519 (with ML-KEM-768 where OpenSSL has
// it) or P-256, "h2" before "http/1.1". Immutable; sessions on any threads.
class TlsServer {
 public:
  static Result<std::shared_ptr<const TlsServer>> create(const Certificate& certificate,
                                                         const KeyPair& key);
  // PEM: the chain with the server's own certificate first, and its private key. `malformed` when they are
  // not, or do not belong together.
  static Result<std::shared_ptr<const TlsServer>> create(std::string_view chain_pem,
                                                         std::string_view key_pem);

  std::vector<uint8_t> spki() const { return spki_; }  // of its key, DER
  SSL_CTX* get() const { return context_.get(); }      // for crypto/ itself

 private:
  TlsServer() = default;
  std::shared_ptr<SSL_CTX> context_;
  std::vector<uint8_t> spki_;
};

// One connection. One thread at a time.
class TlsSession {
 public:
  // The server's side.
  explicit TlsSession(std::shared_ptr<const TlsServer> server);
  // A client's, which believes anybody; for tests, which look at the certificate themselves.
  static TlsSession client_for_testing();

  // What the other side sent.
  void feed(Bytes bytes);
  // What has to be sent to it; to be asked after every call.
  std::vector<uint8_t> take();

  enum class State : uint8_t {
    open,    // handshake or data
    closed,  // the other side said that it is done
  };
  // Deciphered bytes, the handshake on the way. 0: it needs more bytes, or it is closed; state() tells.
  // `untrusted` for bytes that are no TLS 1.3 of this session, and then nothing more comes.
  Result<size_t> read(std::span<char> into);
  // Before the handshake is done the bytes are kept until it is.
  Result<void> write(std::string_view bytes);
  // Says that we are done.
  void close();

  State state() const { return state_; }
  bool established() const;
  // Of the other side, after the handshake; empty when it showed none.
  std::vector<uint8_t> peer_spki() const;
  std::string protocol() const;  // "TLSv1.3"
  std::string group() const;     // of the key agreement, such as "X25519"

 private:
  TlsSession() = default;
  Result<void> write_waiting();

  std::shared_ptr<const TlsServer> server_;
  std::shared_ptr<SSL> ssl_;
  std::string waiting_;
  State state_ = State::open;
};

}  // namespace sotto::crypto

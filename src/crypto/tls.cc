// OpenSSL over memory.
// SPDX-License-Identifier: Apache-2.0
#include "crypto/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "base/check.h"
#include "base/memory.h"

namespace sotto::crypto {
namespace {

constexpr uint8_t kAlpn[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr uint8_t kAlpnForTesting[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// The first of ours that the client offers; else none, as if it had not asked.
int choose_protocol(SSL*, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                    unsigned in_size, void*) {
  uint8_t* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kAlpn, sizeof kAlpn, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::shared_ptr<SSL_CTX> make_context(const SSL_METHOD* method) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
  CHECK(context != nullptr);
  CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1);
  // Older OpenSSL does not know the first.
  const bool hybrid = SSL_CTX_set1_groups_list(context.get(), "X25519MLKEM768:X25519:P-256") == 1;
  CHECK(hybrid || SSL_CTX_set1_groups_list(context.get(), "X25519:P-256") == 1);
  ERR_clear_error();
  // A ticket would let a later session begin with keys of this one.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

std::shared_ptr<SSL> make_session(SSL_CTX* context) {
  std::shared_ptr<SSL> ssl(SSL_new(context), SSL_free);
  CHECK(ssl != nullptr);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  CHECK(in != nullptr && out != nullptr);
  BIO_set_mem_eof_return(in, -1);  // nothing there yet, not the end
  SSL_set_bio(ssl.get(), in, out);
  return ssl;
}

std::vector<uint8_t> spki_of(X509* certificate) {
  uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  CHECK(size > 0);
  std::vector<uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

std::shared_ptr<SSL_CTX> make_server_context() {
  std::shared_ptr<SSL_CTX> context = make_context(TLS_server_method());
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return context;
}

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

}  // namespace

Result<std::shared_ptr<const TlsServer>> TlsServer::create(const Certificate& certificate,
                                                           const KeyPair& key) {
  std::shared_ptr<TlsServer> server(new TlsServer);
  server->context_ = make_server_context();
  const bool good = SSL_CTX_use_certificate(server->context_.get(), certificate.get()) == 1 &&
                    SSL_CTX_use_PrivateKey(server->context_.get(), key.pair()) == 1 &&
                    SSL_CTX_check_private_key(server->context_.get()) == 1;
  ERR_clear_error();
  if (!good) return fail(ErrorKind::malformed, "TLS: the key is not the certificate's");
  server->spki_ = certificate.spki();
  return std::shared_ptr<const TlsServer>(std::move(server));
}

Result<std::shared_ptr<const TlsServer>> TlsServer::create(std::string_view chain_pem,
                                                           std::string_view key_pem) {
  const std::vector<Certificate> chain = TRY(parse_pem_chain(chain_pem));
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  CHECK(bio != nullptr);
  // A key under a passphrase would ask for it on the terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr),
                                EVP_PKEY_free);
  ERR_clear_error();
  if (key == nullptr) return fail(ErrorKind::malformed, "TLS: no private key in PEM");
  std::shared_ptr<TlsServer> server(new TlsServer);
  server->context_ = make_server_context();
  SSL_CTX* context = server->context_.get();
  bool good = SSL_CTX_use_certificate(context, chain.front().get()) == 1 &&
              SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
              SSL_CTX_check_private_key(context) == 1;
  for (size_t i = 1; good && i < chain.size(); ++i) {
    good = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
  }
  ERR_clear_error();
  if (!good) return fail(ErrorKind::malformed, "TLS: the key is not the first certificate's");
  server->spki_ = chain.front().spki();
  return std::shared_ptr<const TlsServer>(std::move(server));
}

TlsSession::TlsSession(std::shared_ptr<const TlsServer> server)
    : server_(std::move(server)), ssl_(make_session(server_->get())) {
  SSL_set_accept_state(ssl_.get());
}

TlsSession TlsSession::client_for_testing() {
  TlsSession session;
  const std::shared_ptr<SSL_CTX> context = make_context(TLS_client_method());
  CHECK(SSL_CTX_set_alpn_protos(context.get(), kAlpnForTesting, sizeof kAlpnForTesting) == 0);
  session.ssl_ = make_session(context.get());
  SSL_set_connect_state(session.ssl_.get());
  return session;
}

void TlsSession::feed(Bytes bytes) {
  if (bytes.empty()) return;
  const int size =
      BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
  CHECK(size == static_cast<int>(bytes.size()));
}

std::vector<uint8_t> TlsSession::take() {
  BIO* out = SSL_get_wbio(ssl_.get());
  std::vector<uint8_t> bytes(BIO_ctrl_pending(out));
  if (!bytes.empty()) {
    CHECK(BIO_read(out, bytes.data(), static_cast<int>(bytes.size())) ==
          static_cast<int>(bytes.size()));
  }
  return bytes;
}

bool TlsSession::established() const {
  return SSL_is_init_finished(ssl_.get()) == 1;
}

Result<size_t> TlsSession::read(std::span<char> into) {
  if (state_ == State::closed) return size_t{0};
  ERR_clear_error();
  size_t size = 0;
  const int done = SSL_read_ex(ssl_.get(), into.data(), into.size(), &size);
  const int error = done == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), done);
  ERR_clear_error();
  if (established() && !waiting_.empty()) TRY(write_waiting());
  switch (error) {
    case SSL_ERROR_NONE:
      return size;
    case SSL_ERROR_WANT_READ:
      return size_t{0};
    case SSL_ERROR_ZERO_RETURN:
      state_ = State::closed;
      return size_t{0};
    default:
      return fail(ErrorKind::untrusted, "TLS: the other side's bytes cannot be read");
  }
}

Result<void> TlsSession::write_waiting() {
  std::string waiting;
  waiting.swap(waiting_);
  Result<void> written = write(waiting);
  wipe(waiting.data(), waiting.size());
  return written;
}

Result<void> TlsSession::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (!established()) {
    waiting_ += bytes;
    return {};
  }
  ERR_clear_error();
  size_t size = 0;
  const int done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
  ERR_clear_error();
  // A memory BIO takes everything.
  if (done == 1 && size == bytes.size()) return {};
  return fail(ErrorKind::unavailable, "TLS: the session is over");
}

void TlsSession::close() {
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::vector<uint8_t> TlsSession::peer_spki() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  return certificate == nullptr ? std::vector<uint8_t>() : spki_of(certificate);
}

std::string TlsSession::protocol() const {
  return SSL_get_version(ssl_.get());
}

std::string TlsSession::group() const {
  const char* name = SSL_group_to_name(ssl_.get(), SSL_get_negotiated_group(ssl_.get()));
  return name == nullptr ? "" : name;
}

}  // namespace sotto::crypto

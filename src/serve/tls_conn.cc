// Between a session that knows no sockets and a connection that knows no TLS.
// SPDX-License-Identifier: Apache-2.0
#include "serve/tls_conn.h"

#include <array>
#include <string>

namespace sotto::serve {
namespace {

class TlsConn final : public Conn {
 public:
  TlsConn(std::unique_ptr<Conn> below, std::shared_ptr<const crypto::TlsServer> server)
      : below_(std::move(below)), session_(std::move(server)) {}

  boost::asio::any_io_executor executor() override { return below_->executor(); }

  Awaitable<Result<size_t>> read_some(std::span<char> into) override {
    for (;;) {
      const Result<size_t> size = session_.read(into);
      const Result<void> sent = co_await flush();  // handshake, alerts
      if (!size) co_return std::unexpected(size.error());
      if (*size != 0 || session_.state() == crypto::TlsSession::State::closed) co_return *size;
      if (!sent) co_return std::unexpected(sent.error());
      const Result<size_t> more = co_await below_->read_some(received_);
      if (!more) co_return std::unexpected(more.error());
      if (*more == 0) co_return fail(ErrorKind::unavailable, "the connection was cut");
      session_.feed(as_bytes({received_.data(), *more}));
    }
  }

  Awaitable<Result<void>> write(std::string_view bytes) override {
    const Result<void> written = session_.write(bytes);
    if (!written) co_return written;
    co_return co_await flush();
  }

  void close() override { below_->close(); }

 private:
  // One at a time below; who comes meanwhile leaves its bytes to the one that is at it. A writer then
  // does not wait for the last of them, which are in order all the same.
  Awaitable<Result<void>> flush() {
    if (flushing_) co_return Result<void>();
    flushing_ = true;
    Result<void> sent;
    for (std::vector<uint8_t> bytes = session_.take(); sent && !bytes.empty();
         bytes = session_.take()) {
      sent = co_await below_->write(as_text(bytes));
    }
    flushing_ = false;
    co_return sent;
  }

  const std::unique_ptr<Conn> below_;
  crypto::TlsSession session_;
  std::array<char, 16 << 10> received_;
  bool flushing_ = false;
};

}  // namespace

std::unique_ptr<Conn> make_tls_conn(std::unique_ptr<Conn> below,
                                    std::shared_ptr<const crypto::TlsServer> server) {
  return std::make_unique<TlsConn>(std::move(below), std::move(server));
}

}  // namespace sotto::serve

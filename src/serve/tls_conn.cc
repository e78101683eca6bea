// Between a session that knows no sockets and a connection that knows no TLS.
// SPDX-License-Identifier: Apache-2.0
#include "serve/tls_conn.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>

namespace sotto::serve {
namespace {

namespace asio = boost::asio;

class TlsConn final : public Conn {
 public:
  TlsConn(std::unique_ptr<Conn> below, std::shared_ptr<const crypto::TlsServer> server)
      : below_(std::move(below)), session_(std::move(server)), flushed_(below_->executor()) {}

  asio::any_io_executor executor() override { return below_->executor(); }

  Awaitable<Result<size_t>> read_some(std::span<char> into) override {
    for (;;) {
      const Result<size_t> size = session_.read(into);
      // Handshake, alerts. A writer that is at it takes them along, and a slow one must not keep the reader
      // from seeing that the client hung up.
      Result<void> sent;
      if (!flushing_) sent = co_await flush();
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

  Awaitable<void> end() override {
    if (!ready()) co_return;
    session_.close();
    const Result<void> sent = co_await flush();
    if (sent) co_await below_->end();
  }

  bool ready() const override { return session_.established(); }
  void close() override { below_->close(); }

 private:
  // One at a time below; complete when all that was there is gone, or could not go.
  Awaitable<Result<void>> flush() {
    while (flushing_) {
      flushed_.expires_at(asio::steady_timer::time_point::max());
      co_await flushed_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    flushing_ = true;
    for (std::vector<uint8_t> bytes = session_.take(); sent_ && !bytes.empty();
         bytes = session_.take()) {
      sent_ = co_await below_->write(as_text(bytes));
    }
    flushing_ = false;
    flushed_.cancel();
    co_return sent_;
  }

  const std::unique_ptr<Conn> below_;
  crypto::TlsSession session_;
  std::array<char, 16 << 10> received_;
  bool flushing_ = false;
  Result<void> sent_;           // whether the connection below still takes bytes
  asio::steady_timer flushed_;  // cancelled when a flush is over
};

}  // namespace

std::unique_ptr<Conn> make_tls_conn(std::unique_ptr<Conn> below,
                                    std::shared_ptr<const crypto::TlsServer> server) {
  return std::make_unique<TlsConn>(std::move(below), std::move(server));
}

}  // namespace sotto::serve

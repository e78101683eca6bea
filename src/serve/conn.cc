// Sockets as connections.
// SPDX-License-Identifier: Apache-2.0
#include "serve/conn.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace sotto::serve {

namespace asio = boost::asio;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

class SocketConn final : public Conn {
 public:
  explicit SocketConn(asio::generic::stream_protocol::socket socket) : socket_(std::move(socket)) {}

  asio::any_io_executor executor() override { return socket_.get_executor(); }

  Awaitable<Result<size_t>> read_some(std::span<char> into) override {
    const auto buffer = asio::buffer(into.data(), into.size());
    const auto [error, count] = co_await socket_.async_read_some(buffer, kAwait);
    if (error == asio::error::eof) co_return size_t{0};
    if (error) co_return fail(ErrorKind::unavailable, "the connection broke: {}", error.message());
    co_return count;
  }

  Awaitable<Result<void>> write(std::string_view bytes) override {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    const auto [error, count] = co_await asio::async_write(socket_, buffer, kAwait);
    if (error) co_return fail(ErrorKind::unavailable, "the connection broke: {}", error.message());
    co_return Result<void>();
  }

  Awaitable<void> end() override {
    boost::system::error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    co_return;
  }

  void close() override {
    boost::system::error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_both, ignored);
    socket_.close(ignored);
  }

 private:
  asio::generic::stream_protocol::socket socket_;
};

}  // namespace

std::unique_ptr<Conn> make_socket_conn(asio::generic::stream_protocol::socket socket) {
  return std::make_unique<SocketConn>(std::move(socket));
}

}  // namespace sotto::serve

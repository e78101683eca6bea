// A stream of bytes to one client, whatever carries it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <span>
#include <string_view>

#include "serve/http.h"

namespace sotto::serve {

// Used on its own executor, a strand, only. At most one read and one write at a time.
class Conn {
 public:
  virtual ~Conn() = default;
  virtual boost::asio::any_io_executor executor() = 0;
  // At least one byte, or 0 at the end; `unavailable` when the connection broke or was closed.
  virtual Awaitable<Result<size_t>> read_some(std::span<char> into) = 0;
  // All of it; the bytes must stay until this completes.
  virtual Awaitable<Result<void>> write(std::string_view bytes) = 0;
  // Says that nothing more is written; reading goes on. Not while a write is on its way.
  virtual Awaitable<void> end() = 0;
  // False while the two sides still make out how to talk, and nothing of the client's can come.
  virtual bool ready() const { return true; }
  // Ends what is being read and written. May be called again.
  virtual void close() = 0;
};

// A socket as it is: TCP or Unix.
std::unique_ptr<Conn> make_socket_conn(boost::asio::generic::stream_protocol::socket socket);

}  // namespace sotto::serve

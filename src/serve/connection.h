// One client's connection. HTTP/1: its requests one after another, each answered before the next is looked at.
// HTTP/2: many at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "serve/conn.h"
#include "serve/http.h"
#include "serve/http_limits.h"
#include "serve/http_reader.h"

namespace sotto::serve {

// What the connections of a server have together.
struct ConnectionCounts {
  std::atomic<uint32_t> open{0};
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> slow_readers{0};  // dropped because they did not read for too long
};

// Keeps itself alive while it runs. A read is outstanding all the time, also while a handler works, so
// that a client that hangs up is noticed at once; what it sends ahead is kept up to a bound.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // All must outlive the connection.
  Connection(std::unique_ptr<Conn> conn, const Handler& handler, const HttpLimits& limits,
             ConnectionCounts& counts);
  ~Connection();

  void start();
  // From any thread: no further request; at once if none is being answered.
  void finish();
  // From any thread: now.
  void close();

 private:
  class Answer;
  class Http2;

  Awaitable<void> pump();
  Awaitable<void> serve();
  Awaitable<bool> read_request(HttpReader& reader);
  Awaitable<void> wait(std::chrono::steady_clock::time_point until);
  Awaitable<Result<void>> write(std::string bytes);
  Awaitable<void> answer(HttpReader& reader);
  Awaitable<void> serve_http2();
  Awaitable<void> refuse(HttpError error);
  Awaitable<void> end();
  void lose();

  const std::unique_ptr<Conn> conn_;
  const Handler& handler_;
  const HttpLimits& limits_;
  ConnectionCounts& counts_;
  boost::asio::steady_timer
      changed_;  // cancelled when there are bytes, or room for them, or an end
  boost::asio::steady_timer room_;
  boost::asio::steady_timer write_limit_;
  SecretVector<char> received_;  // not yet consumed
  bool lost_ = false;            // the client is gone, or we closed
  bool ended_ = false;           // the client sends nothing more
  bool last_ = false;            // the request at hand is the last
  bool busy_ = false;            // a request is being read or answered
  bool ending_ = false;          // we said our last; what still comes is dropped
  std::function<void()> on_gone_;
};

}  // namespace sotto::serve

// Two coroutines on one strand: one reads bytes all the time, the other takes requests out of them.
// SPDX-License-Identifier: Apache-2.0
#include "serve/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "base/check.h"

namespace sotto::serve {

namespace asio = boost::asio;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kReceivedBytesMax = 64 << 10;  // read ahead of what was taken

// The status line and the fields; `framing` is a field line of its own, or empty.
std::string head_of(const HttpAnswer& answer, std::string_view framing, bool close) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, reason_phrase(answer.status));
  for (const auto& [name, value] : answer.fields) {
    CHECK(value.find_first_of("\r\n") == std::string::npos);
    head.append(name).append(": ").append(value).append("\r\n");
  }
  head.append(framing);
  head.append("date: ").append(http_date()).append("\r\n");
  head.append(close ? "connection: close\r\n\r\n" : "\r\n");
  return head;
}

}  // namespace

// One answer on its way out.
class Connection::Answer final : public Exchange {
 public:
  Answer(Connection& connection, const HttpReader& reader, bool is_head)
      : connection_(connection), is_head_(is_head), chunked_(reader.version_1_1()) {}

  Awaitable<Result<void>> send(HttpAnswer answer) override {
    CHECK(!answered_);
    answered_ = complete_ = true;
    const std::string length = fmt::format("content-length: {}\r\n", answer.body.size());
    std::string bytes = head_of(answer, length, connection_.last_);
    if (!is_head_) bytes += answer.body;
    co_return co_await connection_.write(std::move(bytes));
  }

  Awaitable<Result<void>> start(HttpAnswer answer) override {
    CHECK(!answered_);
    answered_ = true;
    if (!chunked_) connection_.last_ = true;  // HTTP/1.0 knows an end only by the connection's
    const std::string_view framing = chunked_ ? "transfer-encoding: chunked\r\n" : "";
    std::string bytes = head_of(answer, framing, connection_.last_);
    bytes += framed(answer.body);
    co_return co_await connection_.write(std::move(bytes));
  }

  Awaitable<Result<void>> write(std::string piece) override {
    CHECK(answered_ && !complete_);
    std::string bytes = framed(piece);
    co_return co_await connection_.write(std::move(bytes));
  }

  Awaitable<Result<void>> finish() override {
    CHECK(answered_ && !complete_);
    complete_ = true;
    std::string bytes = chunked_ && !is_head_ ? "0\r\n\r\n" : "";
    co_return co_await connection_.write(std::move(bytes));
  }

  bool answered() const override { return answered_; }
  bool complete() const { return complete_; }
  asio::any_io_executor executor() override { return connection_.conn_->executor(); }

  void on_gone(std::function<void()> callback) override {
    if (callback != nullptr && connection_.lost_) return callback();
    connection_.on_gone_ = std::move(callback);
  }

 private:
  std::string framed(std::string_view piece) const {
    if (is_head_ || piece.empty()) return {};
    return chunked_ ? fmt::format("{:x}\r\n{}\r\n", piece.size(), piece) : std::string(piece);
  }

  Connection& connection_;
  const bool is_head_;
  const bool chunked_;
  bool answered_ = false;
  bool complete_ = false;
};

Connection::Connection(std::unique_ptr<Conn> conn, const Handler& handler, const HttpLimits& limits,
                       ConnectionCounts& counts)
    : conn_(std::move(conn)),
      handler_(handler),
      limits_(limits),
      counts_(counts),
      changed_(conn_->executor()),
      room_(conn_->executor()),
      write_limit_(conn_->executor()) {
  ++counts_.open;
}

Connection::~Connection() {
  --counts_.open;
}

void Connection::start() {
  const auto self = shared_from_this();
  asio::co_spawn(conn_->executor(), [self] { return self->pump(); }, asio::detached);
  asio::co_spawn(conn_->executor(), [self] { return self->serve(); }, asio::detached);
}

void Connection::finish() {
  asio::post(conn_->executor(), [self = shared_from_this()] {
    self->last_ = true;
    self->changed_.cancel();
  });
}

void Connection::close() {
  asio::post(conn_->executor(), [self = shared_from_this()] { self->lose(); });
}

// Ends everything: reads, writes and waits come back, and who answers is told.
void Connection::lose() {
  if (lost_) return;
  lost_ = true;
  conn_->close();
  changed_.cancel();
  room_.cancel();
  if (on_gone_ == nullptr) return;
  const std::function<void()> callback = std::exchange(on_gone_, nullptr);
  callback();
}

Awaitable<void> Connection::pump() {
  const auto self = shared_from_this();
  SecretVector<char> piece(kReadBytes);
  while (!lost_) {
    while (received_.size() >= kReceivedBytesMax && !lost_ && !ending_) {
      room_.expires_at(asio::steady_timer::time_point::max());
      co_await room_.async_wait(kAwait);
    }
    if (lost_) break;
    const std::span<char> into(piece);
    const Result<size_t> count = co_await conn_->read_some(into);
    if (!count) {
      lose();
    } else if (*count == 0) {
      // A client that closes its sending side while it waits for an answer is taken to be gone:
      // nothing tells it from one that hung up.
      ended_ = true;
      if (busy_) lose();
      break;
    } else if (ending_) {
      wipe(piece.data(), *count);
    } else {
      received_.insert(received_.end(), piece.begin(),
                       piece.begin() + static_cast<int64_t>(*count));
    }
    changed_.cancel();
  }
  changed_.cancel();
}

// Until there is something new, or the time is over.
Awaitable<void> Connection::wait(std::chrono::steady_clock::time_point until) {
  changed_.expires_at(until);
  co_await changed_.async_wait(kAwait);
}

Awaitable<Result<void>> Connection::write(std::string bytes) {
  if (lost_) co_return fail(ErrorKind::unavailable, "the client is gone");
  if (bytes.empty()) co_return Result<void>();
  write_limit_.expires_after(limits_.write_time_max);
  write_limit_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || self == nullptr) return;
    ++self->counts_.slow_readers;
    self->lose();
  });
  const std::string_view view = bytes;
  Result<void> written = co_await conn_->write(view);
  write_limit_.cancel();
  if (!written) lose();
  co_return written;
}

// Feeds the reader until the request is whole. False when there is none: the connection ends.
Awaitable<bool> Connection::read_request(HttpReader& reader) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point idle_until = Clock::now() + limits_.idle_time_max;
  Clock::time_point until =
      conn_->ready() ? idle_until : std::min(idle_until, Clock::now() + limits_.handshake_time_max);
  bool in_header = false, in_body = false, continued = false;
  while (!reader.done()) {
    if (lost_ || (ended_ && received_.empty())) co_return false;
    if (received_.empty()) {
      if (last_ && !reader.begun()) co_return false;  // finish() came meanwhile
      const bool expired = Clock::now() >= until;
      if (expired && !reader.begun()) {
        if (until == idle_until || !conn_->ready()) co_return false;
        until = idle_until;
        continue;
      }
      if (expired) {
        HttpError slow{408, "the request did not arrive in time"};
        co_await refuse(std::move(slow));
        co_return false;
      }
      co_await wait(until);
      continue;
    }
    busy_ = true;
    const auto taken = reader.put({received_.data(), received_.size()});
    if (!taken) {
      HttpError error = taken.error();
      co_await refuse(std::move(error));
      co_return false;
    }
    wipe(received_.data(), *taken);
    received_.erase(received_.begin(), received_.begin() + static_cast<int64_t>(*taken));
    room_.cancel();
    if (!in_header && reader.begun()) {
      in_header = true;
      until = Clock::now() + limits_.header_time_max;
    }
    if (!in_body && reader.header_done()) {
      in_body = true;
      until = Clock::now() + limits_.body_time_max;
    }
    if (!continued && reader.header_done() && reader.expects_continue()) {
      continued = true;
      std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      const Result<void> written = co_await write(std::move(go_on));
      if (!written) co_return false;
    }
  }
  co_return true;
}

// What is not understood is answered, and ends the connection: where the next request begins is not
// known.
Awaitable<void> Connection::refuse(HttpError error) {
  HttpAnswer answer = error_answer(error);
  const std::string length = fmt::format("content-length: {}\r\n", answer.body.size());
  std::string bytes = head_of(answer, length, true) + answer.body;
  const Result<void> ignored = co_await write(std::move(bytes));
  (void)ignored;
}

// So that the client can tell our end from somebody else's.
Awaitable<void> Connection::end() {
  using Clock = std::chrono::steady_clock;
  busy_ = false;
  ending_ = true;
  room_.cancel();
  write_limit_.expires_after(limits_.linger_time_max);
  write_limit_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self != nullptr) self->lose();
  });
  co_await conn_->end();
  while (!lost_ && !ended_) co_await wait(Clock::time_point::max());
  write_limit_.cancel();
}

Awaitable<void> Connection::answer(HttpReader& reader) {
  ++counts_.requests;
  const HttpRequest request = reader.take();
  Answer exchange(*this, reader, request.method == "HEAD");
  try {
    co_await handler_(request, exchange);
  } catch (const std::exception&) {
    // Whoever it was has no answer; the others have theirs.
  }
  on_gone_ = nullptr;
  if (exchange.complete()) co_return;
  last_ = true;
  if (exchange.answered()) co_return;  // cut off: the client sees that the end is missing
  HttpError error{500, "the request could not be handled"};
  HttpAnswer answer = error_answer(error);
  const Result<void> ignored = co_await exchange.send(std::move(answer));
  (void)ignored;
}

Awaitable<void> Connection::serve() {
  const auto self = shared_from_this();
  bool is_first = true;
  while (!lost_ && !last_) {
    HttpReader reader(limits_);
    const bool whole = co_await read_request(reader);
    if (!whole) break;
    if (reader.is_http2()) {
      if (is_first) {
        co_await serve_http2();
      } else {
        HttpError late{505, "HTTP/2 begins with the connection"};
        co_await refuse(std::move(late));
      }
      break;
    }
    is_first = false;
    if (!reader.keep_alive()) last_ = true;
    co_await answer(reader);
    busy_ = false;
    if (ended_ && received_.empty()) break;
  }
  if (!lost_) co_await end();
  lose();
}

}  // namespace sotto::serve

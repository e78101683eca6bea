// A connection that speaks HTTP/2: one coroutine moves the bytes, and each request has one that answers it.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <list>
#include <utility>

#include "base/check.h"
#include "serve/connection.h"
#include "serve/http2_session.h"
#include "serve/http_error.h"

namespace sotto::serve {

namespace asio = boost::asio;

namespace {

using Clock = Http2Session::Clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace

// Lives inside serve_http2(), and outlives its answers.
class Connection::Http2 {
 public:
  explicit Http2(Connection& connection) : connection_(connection), session_(connection.limits_) {}

  Awaitable<void> run();

 private:
  class Answer;

  void take_in(Clock::time_point now);
  Awaitable<void> answer(Http2Session::Stream stream, HttpRequest request);
  void look();
  void wake() { connection_.changed_.cancel(); }

  Connection& connection_;
  Http2Session session_;
  std::list<Answer*> answers_;
  size_t answering_ = 0;
  bool over_ = false;  // no answer can be sent any more
};

class Connection::Http2::Answer final : public Exchange {
 public:
  Answer(Http2& http2, Http2Session::Stream stream)
      : http2_(http2),
        stream_(stream),
        room_(http2.connection_.conn_->executor()),
        place_(http2.answers_.insert(http2.answers_.end(), this)) {}
  ~Answer() override { http2_.answers_.erase(place_); }

  Awaitable<Result<void>> send(HttpAnswer answer) override {
    CHECK(!answered_);
    answered_ = complete_ = true;
    http2_.session_.answer(stream_, std::move(answer), true);
    co_return co_await drained();
  }

  Awaitable<Result<void>> start(HttpAnswer answer) override {
    CHECK(!answered_);
    answered_ = true;
    http2_.session_.answer(stream_, std::move(answer), false);
    co_return co_await drained();
  }

  Awaitable<Result<void>> write(std::string piece) override {
    CHECK(answered_ && !complete_);
    http2_.session_.write(stream_, piece);
    co_return co_await drained();
  }

  Awaitable<Result<void>> finish() override {
    CHECK(answered_ && !complete_);
    complete_ = true;
    http2_.session_.finish(stream_);
    co_return co_await drained();
  }

  bool answered() const override { return answered_; }
  bool complete() const { return complete_; }
  asio::any_io_executor executor() override { return room_.get_executor(); }

  void on_gone(std::function<void()> callback) override {
    if (callback != nullptr && is_gone()) return callback();
    on_gone_ = std::move(callback);
  }

  // Something has happened to the stream, perhaps.
  void look() {
    room_.cancel();
    if (on_gone_ == nullptr || !is_gone()) return;
    const std::function<void()> callback = std::exchange(on_gone_, nullptr);
    callback();
  }

 private:
  bool is_gone() const {
    return http2_.over_ || http2_.connection_.lost_ || http2_.session_.cut_off(stream_);
  }

  // Until the connection has taken all, which it does as far as the client's window goes.
  Awaitable<Result<void>> drained() {
    http2_.wake();
    const Clock::time_point until = Clock::now() + http2_.connection_.limits_.write_time_max;
    while (!is_gone() && http2_.session_.pending(stream_) > 0) {
      if (Clock::now() >= until) {
        ++http2_.connection_.counts_.slow_readers;
        http2_.session_.reset(stream_);
        http2_.wake();
        break;
      }
      room_.expires_at(until);
      co_await room_.async_wait(kAwait);
    }
    if (is_gone()) co_return fail(ErrorKind::unavailable, "the client is gone");
    co_return Result<void>();
  }

  Http2& http2_;
  const Http2Session::Stream stream_;
  asio::steady_timer room_;  // cancelled when the client may have taken more
  const std::list<Answer*>::iterator place_;
  std::function<void()> on_gone_;
  bool answered_ = false;
  bool complete_ = false;
};

// No callback ends an answer at once: coroutines go on when this is over.
void Connection::Http2::look() {
  for (Answer* answer : answers_) answer->look();
}

Awaitable<void> Connection::Http2::answer(Http2Session::Stream stream, HttpRequest request) {
  ++connection_.counts_.requests;
  {
    Answer exchange(*this, stream);
    try {
      co_await connection_.handler_(request, exchange);
    } catch (const std::exception&) {
      // Whoever it was has no answer; the others have theirs.
    }
    exchange.on_gone(nullptr);
    if (!exchange.answered()) {
      HttpAnswer failed = error_answer({500, "the request could not be handled"});
      const Result<void> ignored = co_await exchange.send(std::move(failed));
      (void)ignored;
    }
    if (!exchange.complete()) session_.reset(stream);  // the client sees that the end is missing
  }
  session_.release(stream, Clock::now());
  --answering_;
  wake();
}

void Connection::Http2::take_in(Clock::time_point now) {
  SecretVector<char>& received = connection_.received_;
  if (!received.empty()) {
    session_.put({received.data(), received.size()}, now);
    wipe(received.data(), received.size());
    received.clear();
    connection_.room_.cancel();
  }
  for (Http2Session::Arrival& arrival : session_.arrivals()) {
    ++answering_;
    asio::co_spawn(connection_.conn_->executor(),
                   answer(arrival.stream, std::move(arrival.request)), asio::detached);
  }
}

Awaitable<void> Connection::Http2::run() {
  connection_.on_gone_ = [this] { look(); };
  Clock::time_point idle_until = Clock::now() + connection_.limits_.idle_time_max;
  session_.put(kHttp2Preface, Clock::now());
  while (!connection_.lost_) {
    const Clock::time_point now = Clock::now();
    take_in(now);
    session_.expire(now);
    if (session_.streams() > 0) idle_until = now + connection_.limits_.idle_time_max;
    if (connection_.last_ || now >= idle_until) session_.leave();
    std::string bytes = session_.take();
    look();
    if (!bytes.empty()) {
      const Result<void> ignored = co_await connection_.write(std::move(bytes));
      (void)ignored;  // the connection is lost then
      continue;
    }
    if (session_.done() || now >= idle_until) break;
    co_await connection_.wait(std::min(idle_until, session_.next_deadline()));
  }
  over_ = true;
  look();
  while (answering_ > 0) co_await connection_.wait(Clock::time_point::max());
  connection_.on_gone_ = nullptr;
}

Awaitable<void> Connection::serve_http2() {
  Http2 http2(*this);
  co_await http2.run();
}

}  // namespace sotto::serve

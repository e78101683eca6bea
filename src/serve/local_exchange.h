// An exchange with nobody at its other end: it keeps what it is given.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>

#include "base/check.h"
#include "serve/http.h"

namespace sotto::serve {

// One answer, on the context's thread.
class LocalExchange final : public Exchange {
 public:
  explicit LocalExchange(boost::asio::io_context& context) : context_(context) {}

  Awaitable<Result<void>> send(HttpAnswer answer) override {
    CHECK(!answered_);
    answered_ = finished_ = true;
    answer_ = std::move(answer);
    co_return Result<void>();
  }
  Awaitable<Result<void>> start(HttpAnswer answer) override {
    CHECK(!answered_);
    answered_ = streamed_ = true;
    answer_ = std::move(answer);
    co_return Result<void>();
  }
  Awaitable<Result<void>> write(std::string piece) override {
    CHECK(streamed_ && !finished_);
    answer_.body += piece;
    co_return Result<void>();
  }
  Awaitable<Result<void>> finish() override {
    CHECK(streamed_ && !finished_);
    finished_ = true;
    co_return Result<void>();
  }
  bool answered() const override { return answered_; }
  boost::asio::any_io_executor executor() override { return context_.get_executor(); }
  void on_gone(std::function<void()>) override {}

  bool finished() const { return finished_; }
  bool streamed() const { return streamed_; }
  const HttpAnswer& answer() const { return answer_; }  // of a stream with all its pieces

 private:
  boost::asio::io_context& context_;
  HttpAnswer answer_;
  bool answered_ = false;
  bool finished_ = false;
  bool streamed_ = false;
};

}  // namespace sotto::serve

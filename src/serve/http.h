// What a handler sees of HTTP: a request that has arrived, and the exchange that takes its answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret_vector.h"

namespace sotto::serve {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

// Names in lower case, in their order.
using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // "POST"
  std::string path;    // "/v1/models", percent-encoding kept
  std::string query;   // what follows '?', without it
  HttpFields fields;   // an authorization field is a secret: never log fields
  SecretVector<char> body;

  // The value of the first field of this name (lower case); empty when there is none.
  std::string_view field(std::string_view name) const;
  std::string_view body_text() const { return {body.data(), body.size()}; }
};

// The path and query of "/path?query", or of "http://host/path?query" as a proxy is asked [RFC9112 §3.2]; both
// empty for what is neither.
void set_target(HttpRequest& request, std::string_view target);

// Of now, as the field `date` has it [RFC9110 §5.6.7].
std::string http_date();

struct HttpAnswer {
  uint32_t status = 200;
  HttpFields fields;  // content-length, date and connection are not the handler's business
  std::string body;
};

// The answer to one request. What stands behind it is a connection, or later the inside of an
// Oblivious-HTTP message: handlers cannot tell. Used on its own executor only.
class Exchange {
 public:
  virtual ~Exchange() = default;

  // Either send() once, or start(), any number of write() and finish(). Each completes when the
  // bytes were handed to the client's side, so a slow reader holds up its own handler; `unavailable`
  // once the client is gone or did not read for too long: then nothing more can be sent.
  virtual Awaitable<Result<void>> send(HttpAnswer answer) = 0;
  // Begins an answer whose length is not known; `answer.body` is its first piece.
  virtual Awaitable<Result<void>> start(HttpAnswer answer) = 0;
  virtual Awaitable<Result<void>> write(std::string piece) = 0;
  virtual Awaitable<Result<void>> finish() = 0;

  // Whether send() or start() was called.
  virtual bool answered() const = 0;
  virtual boost::asio::any_io_executor executor() = 0;
  // Called at most once, on the exchange's executor, when the client went away before the answer's
  // end; at once if it is gone already. An empty function takes the last one back.
  virtual void on_gone(std::function<void()> callback) = 0;
};

// Answers through the exchange before it returns; if it did not, or threw, the client gets a 500.
using Handler = std::function<Awaitable<void>(const HttpRequest& request, Exchange& exchange)>;

}  // namespace sotto::serve

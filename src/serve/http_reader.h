// One request out of the bytes of a connection, strictly [RFC9112]; Beast's parser behind our own checks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string_view>

#include "serve/http.h"
#include "serve/http_error.h"
#include "serve/http_limits.h"

namespace sotto::serve {

// What a client that speaks HTTP/2 begins with, and its bytes go on in that way [RFC9113 §3.4].
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\n";

// Knows no socket: it is given bytes, in pieces of any size, and what comes out does not depend on how
// they were cut. After an error nothing that follows can be trusted to be a request.
class HttpReader {
 public:
  explicit HttpReader(const HttpLimits& limits);
  HttpReader(HttpReader&&) noexcept;
  HttpReader& operator=(HttpReader&&) noexcept;
  ~HttpReader();

  // How many bytes of `bytes` belong to this request: all until it is done(), the rest are the next
  // one's.
  std::expected<size_t, HttpError> put(std::string_view bytes);

  bool begun() const;  // at least one byte came, but for empty lines before a request
  bool header_done() const;
  bool done() const;         // take() may be called, unless it is_http2()
  bool is_http2() const;     // what came is no request but kHttp2Preface
  bool keep_alive() const;   // after header_done(): whether another request may follow
  bool version_1_1() const;  // after header_done(): whether the client knows chunked answers
  // After header_done(): the client waits for "100 Continue" before it sends the body.
  bool expects_continue() const;

  HttpRequest take();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace sotto::serve

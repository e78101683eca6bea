// The server's side of one HTTP/2 connection without its socket [RFC9113]: bytes in, requests out, answers in,
// bytes out. nghttp2 behind our own limits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http.h"
#include "serve/http_limits.h"

namespace sotto::serve {

inline constexpr uint32_t kHttp2StreamsMax = 64;  // of one connection at a time

// One thread at a time. What waits here of bodies is bounded by flow control: 64 KiB of each stream, and of all that
// is beyond it as much as one largest body. Streams get that room one after another.
class Http2Session {
 public:
  using Clock = std::chrono::steady_clock;
  using Stream = int32_t;
  struct Arrival {
    Stream stream;
    HttpRequest request;
  };

  explicit Http2Session(const HttpLimits& limits);
  ~Http2Session();

  // What the client sent, from its preface on. After bytes that are no HTTP/2 the session is done().
  void put(std::string_view bytes, Clock::time_point now);
  // What is to be sent, not much more than 64 KiB; empty when there is nothing now.
  std::string take();
  // Neither side has anything to say any more.
  bool done() const;

  // The requests that have become whole since this was last called. Each stream of them must be released.
  std::vector<Arrival> arrivals();
  // Answers or ends what has taken too long; to be called at next_deadline().
  void expire(Clock::time_point now);
  Clock::time_point next_deadline() const;

  // The answer of an arrival: whole, or its beginning, to be followed by any number of write() and finish(). What
  // a client that went away does not get is dropped.
  void answer(Stream stream, HttpAnswer answer, bool whole);
  void write(Stream stream, std::string_view piece);
  void finish(Stream stream);
  // The rest of the answer will not come.
  void reset(Stream stream);
  // Nobody needs the request any more, and the answer is whole or reset; other bodies have its room.
  void release(Stream stream, Clock::time_point now);

  // Of an arrival, until it is released: bytes of its answer that take() did not have yet, since it was not called
  // or since the client's window is full.
  size_t pending(Stream stream) const;
  // It ended before its answer did.
  bool cut_off(Stream stream) const;

  // No further streams; those that are there come to their end [RFC9113 §6.8].
  void leave();

  size_t streams() const;       // that are open or not released
  uint64_t body_bytes() const;  // of requests that are on their way or not released

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace sotto::serve

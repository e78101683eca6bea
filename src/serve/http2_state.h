// What an HTTP/2 session and nghttp2's callbacks share; for them alone.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nghttp2/nghttp2.h>

#include <deque>
#include <map>

#include "serve/http2_session.h"
#include "serve/http_error.h"

namespace sotto::serve {

// What every stream may send of a body; for more it has to be granted room.
inline constexpr uint32_t kHttp2StreamWindow = NGHTTP2_INITIAL_WINDOW_SIZE;

struct Http2Stream {
  HttpRequest request;
  size_t header_bytes = 0;
  bool header_done = false;
  bool header_too_large = false;
  bool arrived = false;   // handed out, and not yet released
  bool answered = false;  // or refused: what still comes of the request is dropped
  bool is_head = false;
  bool finished = false;  // `out` has all that is left of the answer
  bool end_sent = false;
  bool reset = false;
  bool closed = false;  // nghttp2 knows it no more
  uint64_t body_bytes = 0;
  uint64_t room_wanted = 0;
  uint64_t room_granted = 0;
  std::string out;  // of the answer's body
  size_t out_sent = 0;
  Http2Session::Clock::time_point deadline = Http2Session::Clock::time_point::max();
};

struct Http2Session::State {
  HttpLimits limits;
  nghttp2_session* session = nullptr;
  std::map<Stream, Http2Stream> streams;
  std::vector<Stream> whole;  // not yet asked for
  size_t arrived = 0;
  uint64_t body_bytes = 0;
  std::deque<Stream> waiting;  // for room, in their order; some may be over
  uint64_t room_granted = 0;   // of all streams
  Clock::time_point now;
  bool broken = false;
  bool leaving = false;

  Http2Stream* find(Stream id) {
    const auto found = streams.find(id);
    return found == streams.end() ? nullptr : &found->second;
  }
};

// nghttp2 fails for want of memory, and for what is over already: the next call tells.
inline void ignore(int) {}

// Points to the texts; nghttp2 copies them.
nghttp2_nv field_of(std::string_view name, std::string_view value);

// Room for a body that is larger than a stream's window, when it is this stream's turn.
void want_room(Http2Session::State& state, Http2Session::Stream id, uint64_t body_bytes);
// The body is gone; others have its room.
void give_back(Http2Session::State& state, Http2Stream& stream);

void submit(Http2Session::State& state, Http2Session::Stream id, HttpAnswer answer, bool whole);
// An answer of the transport's own; what still comes of the request is dropped.
void refuse(Http2Session::State& state, Http2Session::Stream id, const HttpError& error);
void end_stream(Http2Session::State& state, Http2Session::Stream id, uint32_t error);

// Whose callbacks work on the state. To be deleted.
nghttp2_session* make_http2_session(Http2Session::State& state);

}  // namespace sotto::serve

// What nghttp2 finds in a client's bytes, and says of ours.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/check.h"
#include "serve/http2_state.h"

namespace sotto::serve {

using Clock = Http2Session::Clock;
using State = Http2Session::State;
using Stream = Http2Session::Stream;

namespace {

// A client that resets its streams may begin others while handlers still come back.
constexpr size_t kArrivalsMax = size_t{2} * kHttp2StreamsMax;
constexpr size_t kFieldOverhead = 32;  // as HPACK counts it [RFC7541 §4.1]

// A client that still sends is told not to go on, a little later: some take that for a lost answer.
void end_was_sent(State& state, Stream id, Http2Stream& stream) {
  stream.end_sent = true;
  if (nghttp2_session_get_stream_remote_close(state.session, id) == 0) {
    stream.deadline = state.now + state.limits.linger_time_max;
  }
}

void become_whole(State& state, Stream id, Http2Stream& stream) {
  if (stream.answered || stream.arrived) return;
  if (state.arrived == kArrivalsMax) {
    ignore(nghttp2_submit_rst_stream(state.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM));
    return;
  }
  ++state.arrived;
  stream.arrived = true;
  stream.deadline = Clock::time_point::max();
  state.whole.push_back(id);
}

// Nothing where there is none; more than any limit where it is no number.
std::optional<uint64_t> content_length(const HttpRequest& request) {
  const std::string_view text = request.field("content-length");
  if (text.empty()) return {};
  uint64_t length = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, length);
  return error != std::errc() || at != end ? UINT64_MAX : length;
}

HttpError check_header(const State& state, const Http2Stream& stream) {
  const HttpRequest& request = stream.request;
  const std::string_view expect = request.field("expect");
  if (stream.header_too_large) {
    return {431, fmt::format("the header is larger than {} bytes", state.limits.header_bytes_max)};
  }
  if (!expect.empty() && expect != "100-continue") {
    return {417, "the only expectation that is understood is 100-continue"};
  }
  if (request.method == "CONNECT") return {501, "CONNECT is not served here"};
  if (request.path.empty()) return {400, "the request's target is not a path"};
  if (content_length(request).value_or(0) > state.limits.body_bytes_max) {
    return {413, "the body is too large"};
  }
  return {0, ""};
}

void finish_header(State& state, Stream id, Http2Stream& stream, bool is_all) {
  stream.header_done = true;
  stream.is_head = stream.request.method == "HEAD";
  stream.deadline = state.now + state.limits.body_time_max;
  const HttpError error = check_header(state, stream);
  if (error.status != 0) return refuse(state, id, error);
  if (is_all) return;
  want_room(state, id, content_length(stream.request).value_or(0));
  if (stream.request.field("expect").empty()) return;
  const nghttp2_nv go_on = field_of(":status", "100");
  ignore(nghttp2_submit_headers(state.session, NGHTTP2_FLAG_NONE, id, nullptr, &go_on, 1, nullptr));
}

int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  State& state = *static_cast<State*>(user);
  if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // trailers
  Http2Stream& stream = state.streams[frame->hd.stream_id];
  stream.deadline = state.now + state.limits.header_time_max;
  return 0;
}

void take_field(HttpRequest& request, std::string_view name, std::string_view value) {
  if (name == ":method") {
    request.method = value;
  } else if (name == ":path") {
    set_target(request, value);
  } else if (name == ":authority") {
    request.fields.emplace_back("host", value);
  } else if (!name.starts_with(':')) {
    request.fields.emplace_back(name, value);
  }
}

int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
              const uint8_t* value, size_t value_size, uint8_t, void* user) {
  State& state = *static_cast<State*>(user);
  Http2Stream* stream = state.find(frame->hd.stream_id);
  if (stream == nullptr || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  stream->header_bytes += name_size + value_size + kFieldOverhead;
  if (stream->header_bytes > state.limits.header_bytes_max) {
    stream->header_too_large = true;
    return 0;
  }
  take_field(stream->request, {reinterpret_cast<const char*>(name), name_size},
             {reinterpret_cast<const char*>(value), value_size});
  return 0;
}

// Without this nghttp2 would leave such a field out, and go on.
int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t,
                      const uint8_t*, size_t, uint8_t, void*) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int on_data(nghttp2_session* session, uint8_t, Stream id, const uint8_t* bytes, size_t size,
            void* user) {
  State& state = *static_cast<State*>(user);
  Http2Stream* stream = state.find(id);
  if (stream == nullptr || stream->answered) {
    ignore(nghttp2_session_consume(session, id, size));
    return 0;
  }
  SecretVector<char>& body = stream->request.body;
  if (body.size() + size > state.limits.body_bytes_max) {
    refuse(state, id, {413, "the body is too large"});
    ignore(nghttp2_session_consume(session, id, size));
    return 0;
  }
  body.insert(body.end(), bytes, bytes + size);
  stream->body_bytes += size;
  state.body_bytes += size;
  ignore(nghttp2_session_consume_connection(session, size));
  // One more than there may be, so that too large a body is seen to be one.
  if (body.size() > kHttp2StreamWindow / 2 && !content_length(stream->request)) {
    want_room(state, id, state.limits.body_bytes_max + 1);
  }
  return 0;
}

int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  State& state = *static_cast<State*>(user);
  const bool is_header = frame->hd.type == NGHTTP2_HEADERS;
  if (!is_header && frame->hd.type != NGHTTP2_DATA) return 0;
  Http2Stream* stream = state.find(frame->hd.stream_id);
  if (stream == nullptr) return 0;
  const bool is_all = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (is_header && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    finish_header(state, frame->hd.stream_id, *stream, is_all);
  }
  if (is_all) become_whole(state, frame->hd.stream_id, *stream);
  return 0;
}

int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  State& state = *static_cast<State*>(user);
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  Http2Stream* stream = state.find(frame->hd.stream_id);
  if (stream != nullptr && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
    end_was_sent(state, frame->hd.stream_id, *stream);
  }
  return 0;
}

int on_closed(nghttp2_session*, Stream id, uint32_t, void* user) {
  State& state = *static_cast<State*>(user);
  Http2Stream* stream = state.find(id);
  if (stream == nullptr) return 0;
  stream->closed = true;
  stream->deadline = Clock::time_point::max();
  if (stream->arrived) return 0;  // its handler comes back first
  give_back(state, *stream);
  state.streams.erase(id);
  return 0;
}

}  // namespace

nghttp2_session* make_http2_session(State& state) {
  nghttp2_session_callbacks* calls = nullptr;
  nghttp2_option* options = nullptr;
  CHECK(nghttp2_session_callbacks_new(&calls) == 0 && nghttp2_option_new(&options) == 0);
  nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(calls, on_invalid_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
  nghttp2_session_callbacks_set_on_frame_send_callback(calls, on_frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_closed);
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_session* session = nullptr;
  CHECK(nghttp2_session_server_new2(&session, calls, &state, options) == 0);
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(calls);
  return session;
}

}  // namespace sotto::serve

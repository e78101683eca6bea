// Streams and their answers; what comes in is in http2_callbacks.cc.
// SPDX-License-Identifier: Apache-2.0
#include "serve/http2_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "serve/http2_state.h"

namespace sotto::serve {

using Clock = Http2Session::Clock;
using State = Http2Session::State;
using Stream = Http2Session::Stream;

namespace {

constexpr size_t kTakeBytes = 64 << 10;
constexpr int32_t kConnectionWindow = 1 << 20;

// The window of whoever waits longest, as soon as its whole body fits beside the others'. So each body that was begun
// can come to its end, which a window for all of them together would not promise.
void grant_room(State& state) {
  while (!state.waiting.empty()) {
    const Stream id = state.waiting.front();
    Http2Stream* stream = state.find(id);
    if (stream != nullptr && stream->room_wanted != 0) {
      const uint64_t room = stream->room_wanted;
      const uint64_t granted = state.room_granted;
      if (granted != 0 && granted + room > state.limits.body_bytes_max) return;
      state.room_granted += room;
      stream->room_granted = room;
      stream->room_wanted = 0;
      stream->deadline = state.now + state.limits.body_time_max;
      ignore(nghttp2_session_set_local_window_size(
          state.session, NGHTTP2_FLAG_NONE, id, static_cast<int32_t>(kHttp2StreamWindow + room)));
    }
    state.waiting.pop_front();
  }
}

ssize_t read_body(nghttp2_session*, Stream id, uint8_t* into, size_t room, uint32_t* flags,
                  nghttp2_data_source*, void* user) {
  Http2Stream* stream = static_cast<State*>(user)->find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const size_t size = std::min(room, stream->out.size() - stream->out_sent);
  if (size == 0 && !stream->finished) return NGHTTP2_ERR_DEFERRED;
  std::memcpy(into, stream->out.data() + stream->out_sent, size);
  stream->out_sent += size;
  if (stream->out_sent == stream->out.size()) {
    stream->out.clear();
    stream->out_sent = 0;
    if (stream->finished) *flags |= NGHTTP2_DATA_FLAG_EOF;
  }
  return static_cast<ssize_t>(size);
}

}  // namespace

nghttp2_nv field_of(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));  // nghttp2 copies it
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

void want_room(State& state, Stream id, uint64_t body_bytes) {
  Http2Stream& stream = state.streams.at(id);
  if (body_bytes <= kHttp2StreamWindow || stream.room_wanted + stream.room_granted != 0) return;
  stream.room_wanted = std::min<uint64_t>(body_bytes, NGHTTP2_MAX_WINDOW_SIZE) - kHttp2StreamWindow;
  stream.deadline = Clock::time_point::max();  // its wait is ours
  state.waiting.push_back(id);
  grant_room(state);
}

void give_back(State& state, Http2Stream& stream) {
  state.body_bytes -= stream.body_bytes;
  state.room_granted -= stream.room_granted;
  stream.body_bytes = stream.room_granted = stream.room_wanted = 0;
  grant_room(state);
}

void submit(State& state, Stream id, HttpAnswer answer, bool whole) {
  Http2Stream& stream = state.streams.at(id);
  stream.answered = true;
  stream.finished = whole || stream.is_head;
  if (whole) {
    answer.fields.emplace_back("content-length", fmt::format("{}", answer.body.size()));
  }
  answer.fields.emplace_back("date", http_date());
  const std::string status = fmt::format("{}", answer.status);
  std::vector<nghttp2_nv> fields = {field_of(":status", status)};
  for (const auto& [name, value] : answer.fields) fields.push_back(field_of(name, value));
  if (!stream.is_head) stream.out = std::move(answer.body);
  const nghttp2_data_provider body{{}, read_body};
  const bool has_body = !stream.finished || !stream.out.empty();
  ignore(nghttp2_submit_response(state.session, id, fields.data(), fields.size(),
                                 has_body ? &body : nullptr));
}

void refuse(State& state, Stream id, const HttpError& error) {
  Http2Stream& stream = state.streams.at(id);
  give_back(state, stream);
  stream.request = {};
  submit(state, id, error_answer(error), true);
  stream.deadline = state.now + state.limits.write_time_max;
}

void end_stream(State& state, Stream id, uint32_t error) {
  ignore(nghttp2_submit_rst_stream(state.session, NGHTTP2_FLAG_NONE, id, error));
}

Http2Session::Http2Session(const HttpLimits& limits) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.limits = limits;
  state.session = make_http2_session(state);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kHttp2StreamsMax},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.header_bytes_max},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  CHECK(nghttp2_submit_settings(state.session, NGHTTP2_FLAG_NONE, settings, std::size(settings)) ==
        0);
  CHECK(nghttp2_session_set_local_window_size(state.session, NGHTTP2_FLAG_NONE, 0,
                                              kConnectionWindow) == 0);
}

Http2Session::~Http2Session() {
  nghttp2_session_del(state_->session);
}

void Http2Session::put(std::string_view bytes, Clock::time_point now) {
  State& state = *state_;
  state.now = now;
  if (state.broken) return;
  const ssize_t taken = nghttp2_session_mem_recv(
      state.session, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) state.broken = true;
}

std::string Http2Session::take() {
  std::string bytes;
  while (!state_->broken && bytes.size() < kTakeBytes) {
    const uint8_t* part = nullptr;
    const ssize_t size = nghttp2_session_mem_send(state_->session, &part);
    if (size < 0) state_->broken = true;
    if (size <= 0) break;
    bytes.append(reinterpret_cast<const char*>(part), static_cast<size_t>(size));
  }
  return bytes;
}

bool Http2Session::done() const {
  return state_->broken || (nghttp2_session_want_read(state_->session) == 0 &&
                            nghttp2_session_want_write(state_->session) == 0);
}

std::vector<Http2Session::Arrival> Http2Session::arrivals() {
  std::vector<Arrival> arrivals;
  for (const Stream id : std::exchange(state_->whole, {})) {
    if (cut_off(id)) {  // the client took it back
      release(id, state_->now);
    } else {
      arrivals.push_back({id, std::move(state_->streams.at(id).request)});
    }
  }
  return arrivals;
}

void Http2Session::expire(Clock::time_point now) {
  State& state = *state_;
  state.now = now;
  for (auto& [id, stream] : state.streams) {
    if (stream.deadline > now) continue;
    stream.deadline = Clock::time_point::max();
    if (!stream.header_done) {  // which nothing else can overtake
      ignore(nghttp2_session_terminate_session(state.session, NGHTTP2_ENHANCE_YOUR_CALM));
    } else if (stream.end_sent) {
      end_stream(state, id, NGHTTP2_NO_ERROR);
    } else if (stream.answered) {
      reset(id);
    } else {
      refuse(state, id, {408, "the request did not arrive in time"});
    }
  }
}

Clock::time_point Http2Session::next_deadline() const {
  Clock::time_point next = Clock::time_point::max();
  for (const auto& [id, stream] : state_->streams) next = std::min(next, stream.deadline);
  return next;
}

void Http2Session::answer(Stream stream, HttpAnswer answer, bool whole) {
  if (cut_off(stream)) return;
  submit(*state_, stream, std::move(answer), whole);
}

void Http2Session::write(Stream stream, std::string_view piece) {
  Http2Stream& state = state_->streams.at(stream);
  if (cut_off(stream) || state.is_head) return;
  state.out += piece;
  ignore(nghttp2_session_resume_data(state_->session, stream));
}

void Http2Session::finish(Stream stream) {
  Http2Stream& state = state_->streams.at(stream);
  if (cut_off(stream)) return;
  state.finished = true;
  ignore(nghttp2_session_resume_data(state_->session, stream));
}

void Http2Session::reset(Stream stream) {
  state_->streams.at(stream).reset = true;
  end_stream(*state_, stream, NGHTTP2_INTERNAL_ERROR);
}

void Http2Session::release(Stream stream, Clock::time_point now) {
  const auto found = state_->streams.find(stream);
  CHECK(found != state_->streams.end() && found->second.arrived);
  state_->now = now;
  give_back(*state_, found->second);
  found->second.arrived = false;
  --state_->arrived;
  if (found->second.closed) {
    state_->streams.erase(found);
  } else if (!found->second.end_sent) {
    found->second.deadline = now + state_->limits.write_time_max;
  }
}

size_t Http2Session::pending(Stream stream) const {
  const Http2Stream& state = state_->streams.at(stream);
  return state.out.size() - state.out_sent;
}

bool Http2Session::cut_off(Stream stream) const {
  const Http2Stream& state = state_->streams.at(stream);
  return state.reset || (state.closed && !state.end_sent);
}

void Http2Session::leave() {
  if (state_->leaving) return;
  state_->leaving = true;
  ignore(nghttp2_submit_goaway(state_->session, NGHTTP2_FLAG_NONE,
                               nghttp2_session_get_last_proc_stream_id(state_->session),
                               NGHTTP2_NO_ERROR, nullptr, 0));
}

size_t Http2Session::streams() const {
  return state_->streams.size();
}

uint64_t Http2Session::body_bytes() const {
  return state_->body_bytes;
}

}  // namespace sotto::serve

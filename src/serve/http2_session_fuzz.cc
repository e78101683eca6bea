// Any bytes as an HTTP/2 client's, answered in ways that the first two of them choose: never a crash, bounded
// memory, and requests that are HTTP.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "serve/http2_session.h"
#include "serve/http_reader.h"

namespace {

using sotto::serve::Http2Session;
using sotto::serve::HttpAnswer;
using sotto::serve::HttpLimits;
using sotto::serve::HttpRequest;

void check(const HttpRequest& request, const HttpLimits& limits) {
  CHECK(!request.method.empty() && request.path.starts_with('/'));
  CHECK(request.body.size() <= limits.body_bytes_max);
  CHECK(!request.field("host").empty() || request.fields.size() > 0);
  size_t bytes = 0;
  for (const auto& [name, value] : request.fields) {
    CHECK(!name.empty() && std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; }));
    CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    bytes += name.size() + value.size();
  }
  CHECK(bytes <= limits.header_bytes_max);
}

void answer(Http2Session& session, Http2Session::Stream stream, uint8_t how) {
  HttpAnswer answer;
  answer.body.assign(how % 7 * 40, 'a');
  const bool whole = how % 3 == 0;
  session.answer(stream, std::move(answer), whole);
  if (whole) return;
  session.write(stream, "piece");
  how % 3 == 1 ? session.finish(stream) : session.reset(stream);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  HttpLimits limits;
  limits.header_bytes_max = 512;
  limits.body_bytes_max = 1024;
  const size_t piece = size_t{1} + data[0];
  uint8_t how = data[1];
  Http2Session session(limits);
  Http2Session::Clock::time_point now{};
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  session.put(sotto::serve::kHttp2Preface, now);
  std::vector<Http2Session::Stream> held;
  while (!bytes.empty() && !session.done()) {
    session.put(bytes.substr(0, piece), now);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (const Http2Session::Arrival& arrival : session.arrivals()) {
      check(arrival.request, limits);
      answer(session, arrival.stream, how);
      held.push_back(arrival.stream);
    }
    if (how % 4 != 0) session.take();
    if (how % 5 != 0 && !held.empty()) {
      session.release(held.back(), now);
      held.pop_back();
    }
    CHECK(session.streams() <= 3 * sotto::serve::kHttp2StreamsMax);
    CHECK(session.body_bytes() <= session.streams() * limits.body_bytes_max);
    now += std::chrono::milliseconds(how * 10);
    session.expire(now);
    how = static_cast<uint8_t>(how * 5 + 1);
  }
  for (const Http2Session::Stream stream : held) session.release(stream, now);
  session.leave();
  session.take();
  return 0;
}

// The header is collected and looked at as it stands, then Beast takes it apart; a body with a length goes
// straight to Beast, chunks are ours.
// SPDX-License-Identifier: Apache-2.0
#include "serve/http_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "serve/chunked_body.h"

namespace sotto::serve {

namespace beast = boost::beast;
namespace http = boost::beast::http;

using Body = http::vector_body<char, WipingAllocator<char>>;
using Parser = http::request_parser<Body>;

struct HttpReader::State {
  explicit State(const HttpLimits& the_limits) : limits(the_limits) {}

  HttpLimits limits;
  SecretVector<char> header;  // authorization may stand in it
  std::optional<Parser> parser;
  std::optional<ChunkedBody> chunks;  // a body that comes in chunks; every other is the parser's
  bool expects_continue = false;
  bool http2 = false;
};

namespace {

std::unexpected<HttpError> refuse(uint32_t status, std::string message) {
  return std::unexpected(HttpError{status, std::move(message)});
}

// What Beast lets through although a proxy might read it otherwise: lines that end without CR, lines
// that go on in the next, control characters.
std::expected<void, HttpError> check_raw(std::string_view header) {
  for (size_t at = 0; at < header.size(); ++at) {
    const auto byte = static_cast<unsigned char>(header[at]);
    if (byte == '\n') {
      if (at == 0 || header[at - 1] != '\r') return refuse(400, "a header line ends without CR");
      const bool folded =
          at + 1 < header.size() && (header[at + 1] == ' ' || header[at + 1] == '\t');
      if (folded) return refuse(400, "a header field goes on in a second line");
    } else if (byte == '\r') {
      if (at + 1 < header.size() && header[at + 1] != '\n') {
        return refuse(400, "there is a CR within a header line");
      }
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      return refuse(400, "there is a control character in the header");
    }
  }
  return {};
}

HttpError parse_error(const beast::error_code& error) {
  if (error == http::error::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (error == http::error::body_limit) return {413, "the body is too large"};
  if (error == http::error::header_limit) return {431, "the header is too large"};
  return {400, fmt::format("this is not a valid HTTP request: {}", error.message())};
}

size_t count(const Parser& parser, http::field name) {
  const auto [first, last] = parser.get().equal_range(name);
  return static_cast<size_t>(std::distance(first, last));
}

std::expected<void, HttpError> check_framing(const Parser& parser) {
  const auto& message = parser.get();
  const size_t encodings = count(parser, http::field::transfer_encoding);
  const size_t lengths = count(parser, http::field::content_length);
  if (lengths > 1) return refuse(400, "there is more than one content-length");
  if (encodings == 0) return {};
  if (message.version() == 10) return refuse(400, "HTTP/1.0 has no transfer-encoding");
  if (lengths > 0) return refuse(400, "there are both content-length and transfer-encoding");
  if (encodings > 1 || !beast::iequals(message[http::field::transfer_encoding], "chunked")) {
    return refuse(501, "the only transfer-encoding that is understood is chunked");
  }
  return {};
}

HttpRequest target_of(const Parser& parser) {
  HttpRequest request;
  const auto target = parser.get().target();
  set_target(request, {target.data(), target.size()});
  return request;
}

std::expected<void, HttpError> check_request(const Parser& parser) {
  const auto& message = parser.get();
  const size_t hosts = count(parser, http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() == 11)) {
    return refuse(400, "exactly one host field is needed");
  }
  const auto expect = message[http::field::expect];
  if (!expect.empty() && !beast::iequals(expect, "100-continue")) {
    return refuse(417, "the only expectation that is understood is 100-continue");
  }
  if (message.method() == http::verb::connect) return refuse(501, "CONNECT is not served here");
  if (target_of(parser).path.empty()) return refuse(400, "the request's target is not a path");
  return check_framing(parser);
}

constexpr std::string_view kHeaderEnd = "\r\n\r\n";

}  // namespace

HttpReader::HttpReader(const HttpLimits& limits) : state_(std::make_unique<State>(limits)) {}
HttpReader::HttpReader(HttpReader&&) noexcept = default;
HttpReader& HttpReader::operator=(HttpReader&&) noexcept = default;
HttpReader::~HttpReader() = default;

bool HttpReader::begun() const {
  return !state_->header.empty() || header_done();
}
bool HttpReader::header_done() const {
  return state_->parser.has_value() && state_->parser->is_header_done();
}
bool HttpReader::is_http2() const {
  return state_->http2;
}
bool HttpReader::done() const {
  if (state_->http2) return true;
  if (state_->chunks.has_value()) return state_->chunks->done();
  return state_->parser.has_value() && state_->parser->is_done();
}
bool HttpReader::keep_alive() const {
  return state_->parser->keep_alive();
}
bool HttpReader::version_1_1() const {
  return state_->parser->get().version() == 11;
}
bool HttpReader::expects_continue() const {
  return state_->expects_continue && !done();
}

namespace {

// Takes bytes up to the header's end. Where it is complete, `*complete`.
std::expected<size_t, HttpError> collect(HttpReader::State& state, std::string_view bytes,
                                         bool& complete) {
  SecretVector<char>& header = state.header;
  size_t taken = 0;
  // Empty lines before a request are ignored [RFC9112 §2.2].
  while (header.empty() && taken + 1 < bytes.size() && bytes.substr(taken, 2) == "\r\n") taken += 2;
  for (; taken < bytes.size() && !complete; ++taken) {
    if (header.size() == state.limits.header_bytes_max) {
      return refuse(
          431, fmt::format("the header is larger than {} bytes", state.limits.header_bytes_max));
    }
    header.push_back(bytes[taken]);
    if (header.size() == 2 && header[0] == '\r' && header[1] == '\n') header.clear();
    complete = bytes[taken] == '\n' && header.size() >= kHeaderEnd.size() &&
               std::equal(kHeaderEnd.begin(), kHeaderEnd.end(), header.end() - 4);
  }
  return taken;
}

std::expected<void, HttpError> parse_header(HttpReader::State& state) {
  const std::string_view header(state.header.data(), state.header.size());
  if (auto checked = check_raw(header); !checked) return checked;
  Parser& parser = state.parser.emplace();
  parser.header_limit(state.limits.header_bytes_max + 1);
  parser.body_limit(state.limits.body_bytes_max);
  parser.eager(true);
  beast::error_code error;
  const size_t used = parser.put(boost::asio::buffer(header.data(), header.size()), error);
  if (error && error != http::error::need_more) return std::unexpected(parse_error(error));
  if (!parser.is_header_done() || used != header.size()) {
    return refuse(400, "this is not a valid HTTP header");
  }
  if (auto checked = check_request(parser); !checked) return checked;
  // Beast 1.81 has an assertion on chunks that a client can make fail, so they are ours.
  if (parser.chunked()) state.chunks.emplace(state.limits.body_bytes_max);
  const auto expect = parser.get()[http::field::expect];
  state.expects_continue = !expect.empty() && parser.get().version() == 11;
  wipe(state.header.data(), state.header.size());
  return {};
}

}  // namespace

std::expected<size_t, HttpError> HttpReader::put(std::string_view bytes) {
  CHECK(!done());
  size_t taken = 0;
  if (!state_->parser.has_value()) {
    bool complete = false;
    auto collected = collect(*state_, bytes, complete);
    if (!collected) return collected;
    taken = *collected;
    if (!complete) return taken;
    state_->http2 = std::ranges::equal(state_->header, kHttp2Preface);
    if (state_->http2) return taken;
    if (auto parsed = parse_header(*state_); !parsed) return std::unexpected(parsed.error());
  }
  if (state_->chunks.has_value()) {
    const auto used = state_->chunks->put(bytes.substr(taken));
    return used ? std::expected<size_t, HttpError>(taken + *used) : used;
  }
  Parser& parser = *state_->parser;
  while (!parser.is_done() && taken < bytes.size()) {
    beast::error_code error;
    const size_t used =
        parser.put(boost::asio::buffer(bytes.data() + taken, bytes.size() - taken), error);
    if (error && error != http::error::need_more) return std::unexpected(parse_error(error));
    CHECK(used > 0);  // a body with a length takes what comes
    taken += used;
  }
  return taken;
}

HttpRequest HttpReader::take() {
  CHECK(done() && !is_http2());
  HttpRequest request = target_of(*state_->parser);
  auto message = state_->parser->release();
  request.method = std::string(message.method_string());
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
      return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    });
    request.fields.emplace_back(std::move(name), std::string(field.value()));
  }
  request.body = state_->chunks ? state_->chunks->take() : std::move(message.body());
  return request;
}

}  // namespace sotto::serve

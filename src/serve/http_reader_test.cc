// What is a request, what is refused and why, however the bytes are cut.
// SPDX-License-Identifier: Apache-2.0
#include "serve/http_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace sotto::serve {
namespace {

struct Outcome {
  uint32_t status = 0;  // of the refusal; 0: a request
  HttpRequest request;
  std::string rest;
};

// Gives the reader `piece` bytes more at a time, keeping what it left.
Outcome read(const std::string& bytes, size_t piece, const HttpLimits& limits = {}) {
  HttpReader reader(limits);
  std::string held;
  size_t at = 0;
  while (!reader.done()) {
    if (at == bytes.size()) return {.status = 1, .request = {}, .rest = held};  // wants more
    held += bytes.substr(at, piece);
    at = std::min(bytes.size(), at + piece);
    const auto taken = reader.put(held);
    if (!taken) return {.status = taken.error().status, .request = {}, .rest = ""};
    held.erase(0, *taken);
  }
  return {.status = 0, .request = reader.take(), .rest = held + bytes.substr(at)};
}

TEST(HttpReader, does_not_care_how_bytes_are_cut) {
  const std::string first =
      "\r\nPOST /a?b=c HTTP/1.1\r\nHost: x\r\nX-One:  1 \r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;ext=1\r\nhello\r\n06 \r\n world\r\n0\r\nTrailer: t\r\n\r\n";
  const std::string second = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  for (size_t piece = 1; piece <= first.size() + second.size(); ++piece) {
    const Outcome outcome = read(first + second, piece);
    ASSERT_EQ(outcome.status, 0u) << piece;
    EXPECT_EQ(outcome.request.method, "POST");
    EXPECT_EQ(outcome.request.path, "/a");
    EXPECT_EQ(outcome.request.query, "b=c");
    EXPECT_EQ(outcome.request.field("x-one"), "1");
    EXPECT_EQ(outcome.request.body_text(), "hello world");
    EXPECT_EQ(outcome.rest, second) << piece;
  }
}

TEST(HttpReader, refuses_what_two_readers_could_read_differently) {
  const std::string host = "Host: x\r\n";
  const std::string chunked = "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n";
  const struct {
    const char* what;
    std::string bytes;
    uint32_t status;
  } cases[] = {
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"two lengths",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
      {"length and encoding",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"unknown encoding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n",
       501},
      {"two encodings",
       "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n", 501},
      {"encoding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"folded field", "GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", 400},
      {"bare LF", "GET / HTTP/1.1\nHost: x\n\r\n\r\n", 400},
      {"bare CR", "GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n", 400},
      {"NUL", std::string("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 35), 400},
      {"space before colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
      {"bad length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 1x\r\n\r\n", 400},
      {"negative length", "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"length beyond 64 bits",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400},
      {"unknown expectation", "POST / HTTP/1.1\r\n" + host + "Expect: gold\r\n\r\n", 417},
      {"CONNECT", "CONNECT x:1 HTTP/1.1\r\n" + host + "\r\n", 501},
      {"asterisk", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 400},
      {"no HTTP", "hello there, how are you\r\n\r\n", 505},
      {"TLS", "\x16\x03\x01\x02\x01\x01\r\n\r\n", 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", 505},
      {"no size", chunked + "\r\n", 400},
      {"not a number", chunked + "zz\r\n", 400},
      {"a sign", chunked + "+1\r\nx\r\n", 400},
      {"a long size", chunked + "000000001\r\nx\r\n", 400},
      {"a size without CR", chunked + "1\nx\r\n", 400},
      {"an extension without CR", chunked + "1;a\nx\r\n", 400},
      {"data that goes on", chunked + "1\r\nxy\r\n", 400},
      {"an end without CR", chunked + "0\r\n\n", 400},
      {"a trailer without CR", chunked + "0\r\nA: b\n\r\n", 400},
      {"many extensions", chunked + "1;" + std::string(9000, 'a'), 400},
      {"many trailer fields", chunked + "0\r\nA: " + std::string(9000, 'a'), 400},
  };
  for (const auto& [what, bytes, status] : cases) {
    for (const size_t piece : {size_t{1}, size_t{7}, bytes.size()}) {
      EXPECT_EQ(read(bytes, piece).status, status) << what << " in pieces of " << piece;
    }
  }
}

TEST(HttpReader, holds_to_its_limits) {
  HttpLimits limits;
  limits.header_bytes_max = 100;
  limits.body_bytes_max = 10;
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(read(head + "A: " + std::string(100, 'a') + "\r\n\r\n", 1, limits).status, 431u);
  EXPECT_EQ(read(head + "Content-Length: 11\r\n\r\n" + std::string(11, 'a'), 1, limits).status,
            413u);
  const std::string chunk = "b\r\n" + std::string(11, 'a') + "\r\n0\r\n\r\n";
  EXPECT_EQ(read(head + "Transfer-Encoding: chunked\r\n\r\n" + chunk, 3, limits).status, 413u);
  const std::string chunks = "6\r\naaaaaa\r\n6\r\naaaaaa\r\n0\r\n\r\n";
  EXPECT_EQ(read(head + "Transfer-Encoding: chunked\r\n\r\n" + chunks, 3, limits).status, 413u);
  EXPECT_EQ(read(head + "Content-Length: 10\r\n\r\n" + std::string(10, 'a'), 1, limits).status, 0u);
}

TEST(HttpReader, takes_the_path_of_a_request_to_a_proxy) {
  const Outcome outcome =
      read("GET http://example.org/v1/models?x HTTP/1.1\r\nHost: example.org\r\n\r\n", 5);
  EXPECT_EQ(outcome.status, 0u);
  EXPECT_EQ(outcome.request.path, "/v1/models");
  EXPECT_EQ(outcome.request.query, "x");
}

}  // namespace
}  // namespace sotto::serve

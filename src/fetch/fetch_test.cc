// Requests to a server that is good, wrong, slow, too talkative or gone.
// SPDX-License-Identifier: Apache-2.0
#include "fetch/fetch.h"

#include <gtest/gtest.h>

#include "fetch/server_for_testing.h"

namespace sotto::fetch {
namespace {

Request to(const ServerForTesting& server, const std::string& path = "/") {
  Request request;
  request.url = server.url() + path;
  request.use_proxy = false;
  return request;
}

TEST(Fetch, gets_and_posts) {
  ServerForTesting server([](const std::string& request) {
    return http_answer(request.substr(0, request.find("\r\n")) + "|" +
                           request.substr(request.find("\r\n\r\n") + 4),
                       "X-Told: a b \r\n");
  });
  Fetcher fetcher;
  const auto got = fetcher.get(to(server, "/path?x=1"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200u);
  EXPECT_EQ(std::string(got->body.begin(), got->body.end()), "GET /path?x=1 HTTP/1.1|");
  EXPECT_EQ(got->field("x-told"), "a b");
  EXPECT_EQ(got->field("x-none"), "");
  Request post = to(server);
  post.method = "POST";
  const std::string text = "the body";
  post.body.assign(text.begin(), text.end());
  post.fields = {{"x-a", "b"}, {"x-empty", ""}};
  const auto posted = fetcher.get(post);
  ASSERT_TRUE(posted);
  EXPECT_EQ(std::string(posted->body.begin(), posted->body.end()), "POST / HTTP/1.1|the body");
}

TEST(Fetch, gives_out_what_comes_and_can_be_stopped) {
  ServerForTesting server([](const std::string&) { return http_answer(std::string(100000, 'x')); });
  Fetcher fetcher;
  Request request = to(server);
  uint32_t heads = 0;
  size_t bytes = 0;
  request.on_head = [&](uint32_t status, const Fields&) {
    heads += status == 200;
    return true;
  };
  request.on_bytes = [&](std::string_view part) {
    bytes += part.size();
    return true;
  };
  const auto all = fetcher.get(request);
  ASSERT_TRUE(all);
  EXPECT_EQ(heads, 1u);
  EXPECT_EQ(bytes, 100000u);
  EXPECT_TRUE(all->body.empty());
  request.on_bytes = [](std::string_view) { return false; };
  EXPECT_EQ(fetcher.get(request).error().kind, ErrorKind::cancelled);
  request.on_head = [](uint32_t, const Fields&) { return false; };
  EXPECT_EQ(fetcher.get(request).error().kind, ErrorKind::cancelled);
}

TEST(Fetch, is_bounded) {
  std::string reply;
  ServerForTesting server([&](const std::string&) { return reply; });
  Fetcher fetcher;
  Request request = to(server);
  request.answer_bytes_max = 1000;
  reply = http_answer(std::string(1000, 'x'));
  EXPECT_TRUE(fetcher.get(request));
  reply = http_answer(std::string(1001, 'x'));
  EXPECT_EQ(fetcher.get(request).error().kind, ErrorKind::exhausted);
  std::string fields;
  for (int i = 0; i < 1000; ++i) fields += fmt::format("x-{}: y\r\n", i);
  reply = http_answer("", fields);
  EXPECT_EQ(fetcher.get(request).error().kind, ErrorKind::exhausted);
  reply = "no HTTP at all";
  EXPECT_FALSE(fetcher.get(request));
  reply = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort";
  EXPECT_EQ(fetcher.get(request).error().kind, ErrorKind::unavailable);
  reply = http_answer("", "location: /elsewhere\r\n", "302 Found");
  const auto moved = fetcher.get(request);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->status, 302u);  // not followed
  server.delay_ms = 3000;
  request.total_limit = std::chrono::milliseconds(100);
  EXPECT_EQ(fetcher.get(request).error().kind, ErrorKind::expired);
  request.total_limit = std::chrono::milliseconds(0);
  request.cancelled = [] { return true; };
  EXPECT_EQ(fetcher.get(request).error().kind, ErrorKind::cancelled);
}

TEST(Fetch, says_what_is_wrong_without_the_path) {
  Fetcher fetcher;
  Request request;
  request.url = "http://127.0.0.1:1/secret-path";
  request.use_proxy = false;
  const auto gone = fetcher.get(request);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(gone.error().message.find("secret"), std::string::npos);
  for (const char* url : {"", "file:///etc/passwd", "ftp://a/b", "//a", "http://", "https://u:p@h/",
                          "http://a b/", "http://a/\r\nx: y", "gopher://a"}) {
    request.url = url;
    EXPECT_EQ(fetcher.get(request).error().kind, ErrorKind::malformed) << url;
  }
  EXPECT_EQ(parse_url("HTTPS://h:1/p?q").value().authority, "h:1");
  EXPECT_EQ(parse_url("https://h?q").value().path, "/?q");
}

TEST(Fetch, sends_nothing_for_a_request_that_is_none) {
  ServerForTesting server([](const std::string&) { return http_answer(""); });
  Fetcher fetcher;
  Request pinned = to(server);
  pinned.trust = Trust::pinned;
  EXPECT_EQ(fetcher.get(pinned).error().kind, ErrorKind::malformed);
  const std::string zero(1, '\0');
  for (const auto& field : Fields{{"", "a"},
                                  {"x", "a\r\ny: b"},
                                  {"x", "a\nb"},
                                  {"x", "a\r"},
                                  {"x", "a" + zero},
                                  {"x: a\r\ny", "b"},
                                  {"x\n", "b"},
                                  {"x" + zero, "b"}}) {
    Request request = to(server);
    request.fields = {{"x-good", "a"}, field};
    EXPECT_EQ(fetcher.get(request).error().kind, ErrorKind::malformed);
  }
  EXPECT_EQ(server.asked(), 0u);
}

}  // namespace
}  // namespace sotto::fetch

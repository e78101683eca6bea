// Connections as clients see them, over real sockets.
// SPDX-License-Identifier: Apache-2.0
#include "serve/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <ctime>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include "crypto/issue.h"
#include "serve/router.h"

namespace sotto::serve {
namespace {

using namespace std::chrono_literals;

// A client that sends bytes as they are.
class Client {
 public:
  explicit Client(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval limit{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~Client() { close(); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void send(std::string_view bytes) {
    ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Until `mark` has come, or the end.
  std::string read_until(std::string_view mark) {
    std::string text;
    char buffer[4096];
    while (mark.empty() || text.find(mark) == std::string::npos) {
      const ssize_t count = recv(fd_, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      text.append(buffer, static_cast<size_t>(count));
    }
    return text;
  }
  std::string read_all() { return read_until({}); }
  // Whether the other side ended the connection, and nothing came before.
  bool sees_the_end() {
    char byte = 0;
    return recv(fd_, &byte, 1, 0) == 0;
  }

 private:
  int fd_;
};

Awaitable<void> echo(const HttpRequest& request, Exchange& exchange) {
  HttpAnswer answer;
  answer.body = request.method + " " + request.path + " " + std::string(request.body_text());
  const Result<void> ignored = co_await exchange.send(std::move(answer));
  (void)ignored;
}

struct Server {
  explicit Server(Handler handler, HttpLimits limits = {},
                  std::shared_ptr<const crypto::TlsServer> tls = nullptr)
      : http(*HttpServer::create(limits, 2)) {
    Address any;
    any.host = "127.0.0.1";
    const Result<Address> bound = http->listen(any, std::move(handler), std::move(tls));
    EXPECT_TRUE(bound.has_value());
    port = bound->port;
    http->run();
  }
  std::unique_ptr<HttpServer> http;
  uint16_t port = 0;
};

const std::string kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(HttpServer, answers_pipelined_requests_in_order) {
  Server server(echo);
  Client client(server.port);
  client.send(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: "
      "3\r\n\r\na");
  std::this_thread::sleep_for(20ms);
  client.send("bcGET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string all = client.read_all();
  const size_t one = all.find("GET /1 "), two = all.find("POST /2 abc"),
               three = all.find("GET /3 ");
  EXPECT_LT(one, two);
  EXPECT_LT(two, three);
  EXPECT_NE(three, std::string::npos);
  EXPECT_NE(all.find("connection: close"), std::string::npos);
}

TEST(HttpServer, asks_for_the_body_where_the_client_waits_for_it) {
  Server server(echo);
  Client client(server.port);
  client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  EXPECT_NE(client.read_until("hi").find("200 OK"), std::string::npos);
}

TEST(HttpServer, answers_head_without_a_body_and_1_0_with_an_end) {
  Server server(echo);
  Client head(server.port);
  head.send("HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string answer = head.read_all();
  EXPECT_NE(answer.find("content-length: 8"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
  Client old(server.port);
  old.send("GET /x HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_all().ends_with("GET /x "));
}

TEST(HttpServer, refuses_and_closes_after_what_it_does_not_understand) {
  Server server(echo);
  Client client(server.port);
  client.send("GET / HTTP/1.1\r\n\r\n" + kGet);
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400"));
  EXPECT_NE(answer.find("\"error\":{\"message\""), std::string::npos);
  EXPECT_EQ(answer.find("GET /x"), std::string::npos);
}

TEST(HttpServer, gives_up_on_clients_that_dawdle) {
  HttpLimits limits;
  limits.header_time_max = 100ms;
  limits.idle_time_max = 100ms;
  limits.body_time_max = 100ms;
  Server server(echo, limits);
  Client silent(server.port);
  EXPECT_EQ(silent.read_all(), "");
  Client half(server.port);
  half.send("GET / HT");
  EXPECT_TRUE(half.read_all().starts_with("HTTP/1.1 408"));
  Client body(server.port);
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_TRUE(body.read_all().starts_with("HTTP/1.1 408"));
}

TEST(HttpServer, drops_a_client_that_does_not_read) {
  HttpLimits limits;
  limits.write_time_max = 200ms;
  limits.send_buffer_bytes = 16 << 10;
  std::atomic<size_t> written{0};
  std::atomic<bool> ended{false};
  const auto flood = [&](const HttpRequest&, Exchange& exchange) -> Awaitable<void> {
    HttpAnswer answer;
    Result<void> going = co_await exchange.start(std::move(answer));
    while (going) {
      std::string piece(10'000, 'x');
      going = co_await exchange.write(std::move(piece));
      written += 10'000;
    }
    ended = true;
  };
  Server server(flood, limits);
  Client client(server.port);
  client.send(kGet);
  for (int i = 0; i < 500 && !ended; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(ended);
  EXPECT_EQ(server.http->counts().slow_readers, 1u);
  EXPECT_LT(written, size_t{64} << 20);
}

TEST(HttpServer, tells_a_silent_handler_that_its_client_hung_up) {
  std::atomic<bool> gone{false};
  const auto wait = [&](const HttpRequest&, Exchange& exchange) -> Awaitable<void> {
    boost::asio::steady_timer timer(exchange.executor());
    timer.expires_after(10s);
    exchange.on_gone([&] { timer.cancel(); });
    const auto [error] =
        co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    gone = static_cast<bool>(error);
  };
  Server server(wait);
  Client client(server.port);
  client.send(kGet);
  std::this_thread::sleep_for(50ms);
  client.close();
  for (int i = 0; i < 200 && !gone; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(gone);
}

TEST(HttpServer, survives_handlers_that_throw_or_say_nothing) {
  const auto bad = [](const HttpRequest& request, Exchange&) -> Awaitable<void> {
    if (request.path == "/throw") throw std::runtime_error("oh");
    co_return;
  };
  Server server(bad);
  for (const char* path : {"/throw", "/nothing"}) {
    Client client(server.port);
    client.send(std::string("GET ") + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500")) << path;
    EXPECT_EQ(answer.find("oh"), std::string::npos);
  }
}

TEST(HttpServer, lets_a_running_answer_finish_when_it_stops) {
  const auto slow = [](const HttpRequest&, Exchange& exchange) -> Awaitable<void> {
    HttpAnswer answer;
    answer.body = "begun";
    Result<void> sent = co_await exchange.start(std::move(answer));
    boost::asio::steady_timer timer(exchange.executor());
    timer.expires_after(200ms);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    std::string piece = "ended";
    sent = co_await exchange.write(std::move(piece));
    sent = co_await exchange.finish();
  };
  Server server(slow);
  Client client(server.port);
  Client idle(server.port);
  client.send(kGet);
  EXPECT_NE(client.read_until("begun").find("begun"), std::string::npos);
  std::thread stopping([&] { server.http->stop(10s); });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_NE(client.read_all().find("ended"), std::string::npos);
  stopping.join();
  EXPECT_EQ(server.http->counts().open, 0u);
}

TEST(HttpServer, cuts_off_what_does_not_finish_in_time) {
  const auto forever = [](const HttpRequest&, Exchange& exchange) -> Awaitable<void> {
    boost::asio::steady_timer timer(exchange.executor());
    timer.expires_after(1h);
    exchange.on_gone([&] { timer.cancel(); });
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  };
  Server server(forever);
  Client client(server.port);
  client.send(kGet);
  std::this_thread::sleep_for(50ms);
  server.http->stop(50ms);
  EXPECT_EQ(client.read_all(), "");
}

TEST(HttpServer, holds_two_hundred_connections_and_no_more_than_its_limit) {
  HttpLimits limits;
  limits.connections_max = 200;
  Server server(echo, limits);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<Client>(server.port));
    clients.back()->send(kGet);
  }
  for (const auto& client : clients) {
    EXPECT_NE(client->read_until("GET /x ").find("200 OK"), std::string::npos);
  }
  Client more(server.port);
  EXPECT_EQ(more.read_all(), "");
}

TEST(HttpServer, listens_at_a_unix_socket_and_takes_over_one_that_was_left) {
  const std::string path = testing::TempDir() + "sotto_http_test.sock";
  std::filesystem::remove(path);
  const Result<Address> address = parse_address("unix:" + path);
  ASSERT_TRUE(address.has_value());
  auto first = *HttpServer::create({}, 1);
  ASSERT_TRUE(first->listen(*address, echo).has_value());
  first->run();
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  auto second = *HttpServer::create({}, 1);
  EXPECT_FALSE(second->listen(*address, echo).has_value());  // somebody is there
  first->stop(0ms);
  EXPECT_FALSE(std::filesystem::exists(path));
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(bind(left, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  close(left);
  EXPECT_TRUE(second->listen(*address, echo).has_value());
}

// Whether the kernel can carry bytes from a machine to itself is its own affair; here it must listen.
TEST(HttpServer, listens_at_vsock) {
  const int probe = socket(AF_VSOCK, SOCK_STREAM, 0);
  const bool known = probe >= 0;
  if (known) close(probe);
  const auto first = *HttpServer::create({}, 1);
  const Result<Address> bound = first->listen(*parse_address("vsock:0"), echo);
  ASSERT_EQ(bound.has_value(), known) << "Linux without vsock must be told";
  if (!known) return;
  EXPECT_GT(bound->port, 0u);
  EXPECT_EQ(bound->shown(), "vsock:" + std::to_string(bound->port));
  const auto second = *HttpServer::create({}, 1);
  EXPECT_FALSE(second->listen(*bound, echo).has_value());  // taken
  first->run();
  first->stop(0ms);
}

TEST(Router, finds_by_method_and_path) {
  Router router;
  router.add("GET", "/a", echo);
  router.add("GET", "/a/", echo);
  Server server(router);
  const std::pair<const char*, const char*> cases[] = {
      {"GET /a", "200 OK"}, {"HEAD /a", "200 OK"},         {"GET /a/b/c", "GET /a/b/c"},
      {"GET /a/", "404"},   {"POST /a", "\r\nallow: GET"}, {"GET /b", "404"}};
  for (const auto& [line, expected] : cases) {
    Client client(server.port);
    client.send(std::string(line) + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_NE(client.read_all().find(expected), std::string::npos) << line;
  }
}

TEST(Address, is_what_it_says) {
  const auto text = [](const char* from) {
    const Result<Address> address = parse_address(from);
    return address ? address->to_string() : "!";
  };
  EXPECT_EQ(text("127.0.0.1:80"), "127.0.0.1:80");
  EXPECT_EQ(text("localhost:0"), "127.0.0.1:0");
  EXPECT_EQ(text("[::1]:80"), "[::1]:80");
  EXPECT_EQ(text("unix:/a/b"), "unix:/a/b");
  EXPECT_EQ(text("vsock:4294967294"), "vsock:4294967294");
  for (const char* bad : {"", "80", "a:80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8x",
                          "unix:", "vsock:", "vsock:4294967295", "vsock:3:5000"}) {
    EXPECT_EQ(text(bad), "!") << bad;
  }
  EXPECT_TRUE(parse_address("[::1]:1")->is_local());
  EXPECT_TRUE(parse_address("unix:x")->is_local());
  EXPECT_FALSE(parse_address("0.0.0.0:1")->is_local());
  EXPECT_FALSE(parse_address("vsock:1")->is_local());
  EXPECT_EQ(parse_address("127.0.0.1:1")->shown(), "http://127.0.0.1:1");
  EXPECT_EQ(parse_address("vsock:1")->shown(), "vsock:1");
}

std::shared_ptr<const crypto::TlsServer> make_tls() {
  crypto::CertificateSpec spec;
  spec.common_name = "node";
  spec.not_before = std::time(nullptr) - 60;
  spec.not_after = spec.not_before + 86400;
  const crypto::KeyPair key(crypto::KeyType::ec_p256);
  return crypto::TlsServer::create(crypto::issue_certificate(spec, key.public_key(), nullptr, key),
                                   key)
      .value();
}

TEST(HttpServer, waits_for_no_handshake_for_long) {
  HttpLimits limits;
  limits.handshake_time_max = 50ms;
  Server server(echo, limits, make_tls());
  Client silent(server.port);
  EXPECT_TRUE(silent.sees_the_end());
  Client slow(server.port);
  slow.send("\x16\x03");  // a record's first bytes
  EXPECT_TRUE(slow.sees_the_end());
}

}  // namespace
}  // namespace sotto::serve

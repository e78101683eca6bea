// One connection after another, on a thread.
// SPDX-License-Identifier: Apache-2.0
#include "fetch/server_for_testing.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "base/check.h"

namespace sotto::fetch {
namespace {

// Head, and a body as long as its content-length says.
std::string read_request(int connection) {
  std::string request;
  char buffer[4096];
  size_t wanted = SIZE_MAX;
  while (request.size() < wanted) {
    const ssize_t size = recv(connection, buffer, sizeof buffer, 0);
    if (size <= 0) break;
    request.append(buffer, static_cast<size_t>(size));
    const size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    const size_t length = request.find("Content-Length: ");
    const size_t body = length < end ? std::stoul(request.substr(length + 16)) : 0;
    wanted = end + 4 + body;
  }
  return request;
}

}  // namespace

ServerForTesting::ServerForTesting(Reply reply)
    : reply_(std::move(reply)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(listen(listener_, 16) == 0);
  CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

ServerForTesting::~ServerForTesting() {
  over_ = true;
  thread_.join();
  close(listener_);
}

std::string ServerForTesting::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

void ServerForTesting::run() {
  while (!over_) {
    pollfd ready{listener_, POLLIN, 0};
    if (poll(&ready, 1, 20) <= 0) continue;
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    const std::string request = read_request(connection);
    ++asked_;
    for (uint32_t i = 0; i < delay_ms && !over_; i += 10) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const std::string answer = reply_(request);
    size_t at = 0;
    while (at < answer.size()) {
      const ssize_t size = send(connection, answer.data() + at, answer.size() - at, MSG_NOSIGNAL);
      if (size <= 0) break;
      at += static_cast<size_t>(size);
    }
    shutdown(connection, SHUT_WR);
    close(connection);
  }
}

std::string http_answer(const std::string& body, const std::string& fields,
                        const std::string& status) {
  return fmt::format("HTTP/1.1 {}\r\ncontent-length: {}\r\nconnection: close\r\n{}\r\n{}", status,
                     body.size(), fields, body);
}

}  // namespace sotto::fetch

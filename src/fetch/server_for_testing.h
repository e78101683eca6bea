// A server that answers each connection with bytes that were laid ready, however wrong they are.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace sotto::fetch {

class ServerForTesting {
 public:
  // What to send back for a request's head and body as they came; the connection closes behind it.
  using Reply = std::function<std::string(const std::string& request)>;
  explicit ServerForTesting(Reply reply);
  ~ServerForTesting();
  ServerForTesting(const ServerForTesting&) = delete;
  ServerForTesting& operator=(const ServerForTesting&) = delete;

  std::string url() const;
  uint32_t asked() const { return asked_; }
  // Each answer's bytes wait so long before they go.
  std::atomic<uint32_t> delay_ms{0};

 private:
  void run();

  Reply reply_;
  int listener_;
  uint16_t port_ = 0;
  std::atomic<uint32_t> asked_{0};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// "HTTP/1.1 200 OK" with the content's length.
std::string http_answer(const std::string& body, const std::string& fields = "",
                        const std::string& status = "200 OK");

}  // namespace sotto::fetch

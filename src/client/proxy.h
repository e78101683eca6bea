// An OpenAI endpoint on the asker's machine: whatever a program asks goes out sealed to a verified node.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <string>

#include "client/session.h"
#include "serve/http.h"

namespace sotto::client {

class Proxy {
 public:
  // `receipts` is a folder that each answer's receipt and salt are written to, empty for none; it must
  // exist. So many requests at once, further ones wait.
  Proxy(Session& session, std::string receipts, uint32_t at_once);
  // Waits for those that run.
  ~Proxy();

  // Every path is the node's but GET /verification, which tells what was last found about it: as JSON,
  // or as a page for a browser.
  serve::Handler handler();

 private:
  class Pipe;

  serve::Awaitable<void> answer(const serve::HttpRequest& request, serve::Exchange& exchange);
  serve::Awaitable<void> pass_on(const serve::HttpRequest& request, serve::Exchange& exchange);
  serve::Awaitable<void> tell_verification(const serve::HttpRequest& request,
                                           serve::Exchange& exchange);
  void keep_receipt(const Outcome& outcome);

  Session& session_;
  const std::string receipts_;
  boost::asio::thread_pool pool_;
};

}  // namespace sotto::client

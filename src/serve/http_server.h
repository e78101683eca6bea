// Listens, accepts, and keeps the connections of a server: a few threads for all of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "crypto/tls.h"
#include "serve/address.h"
#include "serve/connection.h"

namespace sotto::serve {

class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> create(const HttpLimits& limits, uint32_t threads);
  // Cuts off what is still open.
  ~HttpServer();

  // Serves what comes in at this address by `handler`; before run(). The address as it is: with the
  // port that was chosen. `unavailable` says why it cannot be listened at. A Unix socket is for its
  // owner only; one left behind by a program that is gone is replaced. With `tls`, which outlives the
  // server, inside of it.
  Result<Address> listen(const Address& address, Handler handler,
                         std::shared_ptr<const crypto::TlsServer> tls = nullptr);
  void run();
  // Accepts nothing more and lets what runs come to its end, for at most this long. Then all
  // connections are gone, and their handlers have returned.
  void stop(std::chrono::milliseconds grace);

  const ConnectionCounts& counts() const;
  boost::asio::any_io_executor executor();

  struct Impl;

 private:
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sotto::serve

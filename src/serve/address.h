// Where a server listens: "127.0.0.1:8080", "[::1]:8080", "localhost:8080" or "unix:PATH".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sotto::serve {

struct Address {
  std::string host;   // an IP address; empty for a Unix socket
  uint16_t port = 0;  // 0: any that is free
  std::string path;   // of a Unix socket
  bool tls = false;   // of a listener: it speaks TLS

  bool is_unix() const { return !path.empty(); }
  // Whether only this machine's own programs can reach it.
  bool is_local() const;
  std::string to_string() const;
  // "http://127.0.0.1:8080", https with TLS; for a Unix socket "http://localhost", which goes with its path.
  std::string url() const;
};

// `malformed` says what is wrong. Of names only "localhost" is known: a server says where it listens.
Result<Address> parse_address(std::string_view text);

}  // namespace sotto::serve

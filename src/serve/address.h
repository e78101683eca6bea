// Where a server listens: "127.0.0.1:8080", "[::1]:8080", "localhost:8080", "unix:PATH" or "vsock:5000".
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sotto::serve {

struct Address {
  enum class Kind : uint8_t {
    tcp,
    unix_socket,
    vsock,  // between a virtual machine or enclave and its host [vsock(7)]
  };

  Kind kind = Kind::tcp;
  std::string host;   // an IP address; empty for other kinds
  uint32_t port = 0;  // 0: any that is free; beyond 65535 of vsock only
  std::string path;   // of a Unix socket
  bool tls = false;   // of a listener: it speaks TLS

  bool is_unix() const { return kind == Kind::unix_socket; }
  // Whether only this machine's own programs can reach it.
  bool is_local() const;
  std::string to_string() const;
  // "http://127.0.0.1:8080", https with TLS; for a Unix socket "http://localhost", which goes with its path,
  // and so for vsock, which goes with what carries it.
  std::string url() const;
  // For people: the URL where it says everything, else to_string().
  std::string shown() const;
};

// `malformed` says what is wrong. Of names only "localhost" is known: a server says where it listens.
Result<Address> parse_address(std::string_view text);

}  // namespace sotto::serve

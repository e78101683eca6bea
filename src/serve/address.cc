// Parsing and printing addresses.
// SPDX-License-Identifier: Apache-2.0
#include "serve/address.h"

#include <sys/un.h>

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace sotto::serve {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kVsock = "vsock:";
constexpr uint32_t kVsockPortMax = 0xfffffffe;  // the last number means any [vsock(7)]

Result<uint32_t> parse_port(std::string_view text, uint32_t most) {
  uint32_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port > most) {
    return fail(ErrorKind::malformed, "'{}' is not a port, which is a number from 0 to {}", text,
                most);
  }
  return port;
}

}  // namespace

bool Address::is_local() const {
  if (kind != Kind::tcp) return is_unix();
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

std::string Address::to_string() const {
  if (is_unix()) return fmt::format("{}{}", kUnix, path);
  if (kind == Kind::vsock) return fmt::format("{}{}", kVsock, port);
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string Address::url() const {
  return fmt::format("{}://{}", tls ? "https" : "http",
                     kind == Kind::tcp ? to_string() : "localhost");
}

std::string Address::shown() const {
  return kind == Kind::tcp ? url() : to_string();
}

Result<Address> parse_address(std::string_view text) {
  Address address;
  if (text.starts_with(kUnix)) {
    address.kind = Address::Kind::unix_socket;
    address.path = text.substr(kUnix.size());
    const size_t most = sizeof(sockaddr_un::sun_path) - 1;
    if (address.path.empty() || address.path.size() > most) {
      return fail(ErrorKind::malformed, "'{}': a Unix socket's path has 1 to {} bytes", text, most);
    }
    return address;
  }
  if (text.starts_with(kVsock)) {
    address.kind = Address::Kind::vsock;
    address.port = TRY(parse_port(text.substr(kVsock.size()), kVsockPortMax));
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return fail(ErrorKind::malformed, "'{}' is none of ADDRESS:PORT, unix:PATH and vsock:PORT",
                text);
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(std::string(host), error);
  if (error) {
    return fail(ErrorKind::malformed,
                "'{}': '{}' is not an IP address (of names only localhost is known)", text, host);
  }
  address.host = ip.to_string();
  address.port = TRY(parse_port(text.substr(colon + 1), 65535));
  return address;
}

}  // namespace sotto::serve

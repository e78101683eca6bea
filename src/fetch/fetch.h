// One HTTP request to somebody else, bounded in size and time; the only user of libcurl.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_vector.h"

namespace sotto::fetch {

using Fields = std::vector<std::pair<std::string, std::string>>;  // names in lower case

// Whom to believe that the other side is the one that was meant.
enum class Trust : uint8_t {
  system,  // the system's certificate authorities
  pinned,  // the key with this digest alone, whatever its certificate says; never over http
  nobody,  // anybody: for what is checked by other means when it is here
};

struct Request {
  std::string method = "GET";
  std::string url;  // http or https
  // Where it is not empty, this path is connected to instead of the URL's host.
  std::string unix_socket;
  Fields fields;  // without line ends and zero bytes
  SecretVector<uint8_t> body;
  Trust trust = Trust::system;
  std::array<uint8_t, 32> pinned_spki_sha256{};  // with Trust::pinned
  bool use_proxy = true;                         // of the environment; never for metadata addresses
  std::chrono::milliseconds connect_limit{10'000};
  std::chrono::milliseconds total_limit{60'000};  // 0: none
  // Nothing came for so long; 0: no limit.
  std::chrono::seconds silence_limit{30};
  uint64_t answer_bytes_max = 8 << 20;
  // For answers that are worked on while they come: called with the status and fields once, then with
  // the bytes; false ends the request with `cancelled`. Without on_bytes the answer has them.
  std::function<bool(uint32_t status, const Fields& fields)> on_head;
  std::function<bool(std::string_view bytes)> on_bytes;
  std::function<bool()> cancelled;  // asked several times a second
};

struct Answer {
  uint32_t status = 0;
  Fields fields;
  SecretVector<uint8_t> body;

  // The first field of this name; empty when there is none.
  std::string_view field(std::string_view name) const;
};

// Keeps its connection for the next request to the same side. One thread at a time.
class Fetcher {
 public:
  Fetcher();
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // `unavailable`: no connection, no name, a broken one; `untrusted`: another key or certificate;
  // `expired`: a time limit; `exhausted`: too large; `cancelled`; `malformed`: a URL that is
  // none, a field that would be two, or a pinned key over http, which has no keys. The
  // message names the host and never the path, a field or a body. Redirects are not followed.
  Result<Answer> get(const Request& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "https" and "node.example:8443" of "https://node.example:8443/path"; `malformed` for anything but
// http and https, and for user names.
struct Url {
  std::string scheme;
  std::string authority;
  std::string path;  // with the query, "/" at least
};
Result<Url> parse_url(std::string_view url);

}  // namespace sotto::fetch

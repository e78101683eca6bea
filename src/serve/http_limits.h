// What one client may take of the server: sizes and times.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace sotto::serve {

struct HttpLimits {
  uint32_t header_bytes_max = 32 << 10;
  uint64_t body_bytes_max = 16 << 20;
  uint32_t connections_max = 1024;                       // of all listeners together
  std::chrono::milliseconds idle_time_max{75'000};       // between requests
  std::chrono::milliseconds handshake_time_max{10'000};  // of TLS
  std::chrono::milliseconds header_time_max{10'000};     // from a header's first byte to its last
  std::chrono::milliseconds body_time_max{60'000};
  std::chrono::milliseconds write_time_max{30'000};  // that one write waits for the client to read
  // That the client gets to take note of the end, before a reset could overtake our last bytes.
  std::chrono::milliseconds linger_time_max{1'000};
  uint32_t send_buffer_bytes = 128 << 10;  // the system's, of one connection
};

}  // namespace sotto::serve

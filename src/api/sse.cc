// Framing events.
// SPDX-License-Identifier: Apache-2.0
#include "api/sse.h"

#include "base/check.h"

namespace sotto::api {

std::string sse_event(std::string_view data, std::string_view name) {
  CHECK(data.find_first_of("\r\n") == std::string_view::npos);
  std::string event;
  event.reserve(data.size() + name.size() + 16);
  if (!name.empty()) event.append("event: ").append(name).append("\n");
  event.append("data: ").append(data).append("\n\n");
  return event;
}

}  // namespace sotto::api

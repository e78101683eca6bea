// One line for each request: who, what kind, how much, how long. Never what was said.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace spdlog {
class logger;
}

namespace sotto::serve {

struct RequestLine {
  std::string_view id;
  std::string_view key;  // its name; empty without keys
  std::string_view route;
  std::string_view model;  // as the server calls it
  uint32_t status = 0;
  bool gone = false;  // the client left before the end
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  double queue_seconds = 0;
  double first_token_seconds = 0;
  double seconds = 0;
};

// Lines of JSON. May be used from any thread.
class RequestLog {
 public:
  // To a file, which is made with mode 0600 or appended to, or to standard error for "".
  static Result<std::unique_ptr<RequestLog>> open(const std::string& path);
  ~RequestLog();
  void write(const RequestLine& line);

 private:
  explicit RequestLog(std::shared_ptr<spdlog::logger> logger);
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace sotto::serve

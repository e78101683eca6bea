// Answers that the transport itself gives: a request that is not HTTP, too large, too slow, not served.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "serve/http.h"

namespace sotto::serve {

struct HttpError {
  uint32_t status;
  std::string message;  // for the client; never what it sent
};

// In OpenAI's shape: {"error": {"message", "type", "param", "code"}}, param null.
HttpAnswer error_answer(const HttpError& error);

// "Not Found"; empty for numbers that HTTP does not know.
std::string_view reason_phrase(uint32_t status);

}  // namespace sotto::serve

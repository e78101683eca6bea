// The body of POST /v1/chat/completions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/generation.h"

namespace sotto::api {

inline constexpr size_t kMessagesMax = 4096;
inline constexpr size_t kMessageBytesMax = 16 << 20;

struct ChatRequest {
  Generation generation;
  // As chat templates read them: {"role", "content"}, parts joined, "developer" as "system".
  boost::json::array messages;
  boost::json::object template_variables;  // such as {"enable_thinking": false}
};

ApiResult<ChatRequest> read_chat_request(const boost::json::object& body);

}  // namespace sotto::api

// The body of POST /v1/chat/completions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <initializer_list>
#include <string>
#include <string_view>

#include "api/generation.h"
#include "api/output_format.h"
#include "api/tools.h"

namespace sotto::api {

inline constexpr size_t kMessagesMax = 4096;
inline constexpr size_t kMessageBytesMax = 16 << 20;

struct ChatRequest {
  Generation generation;
  // As chat templates read them: {"role", "content"}, parts joined, "developer" as "system". Calls are
  // {"id", "type", "function": {"name", "arguments"}}, with arguments as text that is a JSON object.
  boost::json::array messages;
  Tools tools;
  OutputFormat format;
  Reasoning reasoning;
  boost::json::object template_variables;  // such as {"enable_thinking": false}
};

ApiResult<ChatRequest> read_chat_request(const boost::json::object& body);

// A string, or an array of parts of the given type, which are joined; empty when absent.
ApiResult<std::string> read_text(Fields& fields, std::string_view field,
                                 std::initializer_list<std::string_view> part_types);
// The name and arguments of a call, as messages give them back to the model.
ApiResult<boost::json::object> read_call(Fields& function, std::string id);
// Settings that some combinations of tools, format and choices exclude.
ApiResult<void> check_together(const ChatRequest& request);

}  // namespace sotto::api

// The body of POST /v1/responses: OpenAI's newer API, of which nothing is stored here.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>

#include "api/chat_request.h"

namespace sotto::api {

struct ResponsesRequest {
  ChatRequest chat;          // what it comes to
  boost::json::object echo;  // the settings that the answer repeats
};

ApiResult<ResponsesRequest> read_responses_request(const boost::json::object& body);

}  // namespace sotto::api

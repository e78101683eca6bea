// Any bytes as the bodies of the requests that generate.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "api/body.h"
#include "api/chat_request.h"
#include "api/completion_request.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto body = sotto::api::Body::parse({reinterpret_cast<const char*>(data), size});
  if (!body) return 0;
  const auto chat = sotto::api::read_chat_request(body->object());
  if (chat) CHECK(!chat->messages.empty() && chat->generation.choices > 0);
  if (!chat) CHECK(chat.error().status == 400 && !chat.error().message.empty());
  const auto completion = sotto::api::read_completion_request(body->object());
  if (completion) CHECK(!completion->prompts.empty());
  return 0;
}

// Any bytes as the bodies of the requests that generate.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "api/answer_grammar.h"
#include "api/body.h"
#include "api/chat_request.h"
#include "api/completion_request.h"
#include "api/embeddings_request.h"
#include "api/responses_request.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto body = sotto::api::Body::parse({reinterpret_cast<const char*>(data), size});
  if (!body) return 0;
  const auto chat = sotto::api::read_chat_request(body->object());
  if (chat) CHECK(!chat->messages.empty() && chat->generation.choices > 0);
  if (!chat) CHECK(chat.error().status == 400 && !chat.error().message.empty());
  const auto completion = sotto::api::read_completion_request(body->object());
  if (completion) CHECK(!completion->prompts.empty());
  const auto responses = sotto::api::read_responses_request(body->object());
  if (responses) CHECK(!responses->chat.messages.empty());
  const auto embeddings = sotto::api::read_embeddings_request(body->object());
  if (embeddings) CHECK(!embeddings->inputs.empty());
  if (chat && chat->format.kind != sotto::api::OutputFormat::Kind::text) {
    const auto grammar = sotto::api::format_grammar(chat->format, "response_format");
    if (!grammar) CHECK(grammar.error().status == 400);
  }
  if (chat && chat->tools.any()) {
    for (const auto format : {sotto::text::ToolFormat::hermes, sotto::text::ToolFormat::deepseek}) {
      const auto grammar = sotto::api::call_grammar(chat->tools, format);
      if (!grammar) CHECK(grammar.error().status == 400);
    }
  }
  return 0;
}

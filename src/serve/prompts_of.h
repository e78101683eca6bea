// The prompts of a request, as the server makes them and whoever checks its counts makes them again.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/chat_request.h"
#include "api/completion_request.h"
#include "api/error.h"
#include "engine/prompts.h"

namespace sotto::serve {

// Errors name `field`, where the messages or texts stand in the request.
api::ApiResult<engine::Prompt> chat_prompt(const engine::Prompts& prompts,
                                           const api::ChatRequest& request,
                                           const std::string& field);
api::ApiResult<std::vector<engine::Prompt>> text_prompts(
    const engine::Prompts& prompts, const std::vector<api::PromptInput>& inputs,
    const std::string& field);

// Of a body that came to "chat", "responses", "completions" or "embeddings", as receipts call them.
api::ApiResult<std::vector<engine::Prompt>> prompts_of(const engine::Prompts& prompts,
                                                       std::string_view endpoint,
                                                       std::string_view body);

}  // namespace sotto::serve

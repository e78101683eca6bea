// From the API's requests to prompts.
// SPDX-License-Identifier: Apache-2.0
#include "serve/prompts_of.h"

#include <utility>

#include "api/body.h"
#include "api/embeddings_request.h"
#include "api/responses_request.h"

namespace sotto::serve {

using api::ApiError;
using api::ApiResult;

namespace {

engine::ChatExtras extras_of(const api::ChatRequest& request) {
  engine::ChatExtras extras;
  extras.variables = request.template_variables;
  // Templates of models that can do both look at this one.
  if (request.reasoning.off && !extras.variables.contains("enable_thinking")) {
    extras.variables["enable_thinking"] = false;
  }
  if (request.tools.any()) extras.tools = request.tools.list;
  return extras;
}

}  // namespace

ApiResult<engine::Prompt> chat_prompt(const engine::Prompts& prompts,
                                      const api::ChatRequest& request, const std::string& field) {
  if (!prompts.has_template()) {
    return std::unexpected(
        ApiError{400, "unsupported_model", "model", "this model has no chat template"});
  }
  Result<engine::Prompt> prompt = prompts.chat(request.messages, extras_of(request));
  if (!prompt) return std::unexpected(api::from_error(prompt.error(), field));
  return std::move(*prompt);
}

ApiResult<std::vector<engine::Prompt>> text_prompts(const engine::Prompts& prompts,
                                                    const std::vector<api::PromptInput>& inputs,
                                                    const std::string& field) {
  std::vector<engine::Prompt> all;
  for (const api::PromptInput& input : inputs) {
    engine::Prompt prompt;
    if (const auto* ids = std::get_if<std::vector<TokenId>>(&input)) {
      prompt.ids = *ids;
    } else {
      Result<engine::Prompt> made = prompts.plain(std::get<std::string>(input));
      if (!made) return std::unexpected(api::from_error(made.error(), field));
      prompt = std::move(*made);
    }
    if (prompt.ids.empty()) return api::invalid(field, "the {} has no tokens", field);
    all.push_back(std::move(prompt));
  }
  return all;
}

ApiResult<std::vector<engine::Prompt>> prompts_of(const engine::Prompts& prompts,
                                                  std::string_view endpoint,
                                                  std::string_view body) {
  const api::Body parsed = TRY(api::Body::parse(body));
  if (endpoint == "chat") {
    const api::ChatRequest request = TRY(api::read_chat_request(parsed.object()));
    return std::vector{TRY(chat_prompt(prompts, request, "messages"))};
  }
  if (endpoint == "responses") {
    const api::ResponsesRequest request = TRY(api::read_responses_request(parsed.object()));
    return std::vector{TRY(chat_prompt(prompts, request.chat, "input"))};
  }
  if (endpoint == "completions") {
    const api::CompletionRequest request = TRY(api::read_completion_request(parsed.object()));
    return text_prompts(prompts, request.prompts, "prompt");
  }
  if (endpoint == "embeddings") {
    const api::EmbeddingsRequest request = TRY(api::read_embeddings_request(parsed.object()));
    return text_prompts(prompts, request.inputs, "input");
  }
  return api::invalid("endpoint", "no prompts are known of the endpoint '{}'", endpoint);
}

}  // namespace sotto::serve

// Prompts in their four forms, and the fields that only completions have.
// SPDX-License-Identifier: Apache-2.0
#include "api/completion_request.h"

#include <algorithm>

namespace sotto::api {

namespace json = boost::json;

namespace {

bool are_ids(const json::array& array) {
  return !array.empty() && std::all_of(array.begin(), array.end(), [](const json::value& value) {
    return value.is_int64() && value.get_int64() >= 0 && value.get_int64() <= INT32_MAX;
  });
}

ApiResult<PromptInput> read_prompt(const json::value& value, const std::string& name) {
  if (value.is_string()) return PromptInput(std::string(value.get_string()));
  if (value.is_array() && are_ids(value.get_array())) {
    if (value.get_array().size() > kPromptTokensMax) {
      return invalid(name, "{} has more than {} tokens", name, kPromptTokensMax);
    }
    std::vector<TokenId> ids;
    for (const json::value& id : value.get_array()) {
      ids.push_back(static_cast<TokenId>(id.get_int64()));
    }
    return PromptInput(std::move(ids));
  }
  return invalid(name, "{} is neither text nor token ids", name);
}

}  // namespace

ApiResult<std::vector<PromptInput>> read_prompts(Fields& fields, std::string_view field,
                                                 size_t count_max) {
  const std::string name = fields.name_of(field);
  const json::value* value = fields.take(field);
  if (value == nullptr) return invalid(name, "{} is missing", name);
  std::vector<PromptInput> prompts;
  if (!value->is_array() || are_ids(value->get_array())) {
    prompts.push_back(TRY(read_prompt(*value, name)));
    return prompts;
  }
  const json::array& array = value->get_array();
  if (array.empty() || array.size() > count_max) {
    return invalid(name, "{} has {} items; it can have 1 to {}", name, array.size(), count_max);
  }
  for (size_t i = 0; i < array.size(); ++i) {
    prompts.push_back(TRY(read_prompt(array[i], fmt::format("{}[{}]", name, i))));
  }
  return prompts;
}

ApiResult<CompletionRequest> read_completion_request(const json::object& body) {
  Fields fields(body, "");
  CompletionRequest request;
  request.generation = TRY(read_generation(fields));
  Generation& generation = request.generation;
  request.prompts = TRY(read_prompts(fields, "prompt", kPromptsMax));
  const auto most = TRY(fields.integer("max_tokens", 1, kTokensMax));
  generation.tokens_max = static_cast<uint32_t>(most.value_or(16));  // OpenAI's own default
  const auto top = TRY(fields.integer("logprobs", 0, engine::kTopLogprobsMax));
  generation.logprobs = top.has_value();
  generation.top_logprobs = static_cast<uint32_t>(top.value_or(0));
  request.echo = TRY(fields.boolean("echo")).value_or(false);
  if (request.echo && generation.logprobs) {
    return unsupported("echo", "echo together with logprobs is not supported");
  }
  const auto best_of = TRY(fields.integer("best_of", 1, kChoicesMax));
  if (best_of && *best_of != generation.choices) {
    return unsupported("best_of", "best_of is supported only where it is n");
  }
  TRY(fields.refuse("suffix", "models here write on, they do not fill in"));
  request.format = TRY(read_output_format(fields, "response_format", true));
  TRY(read_grammar(fields, request.format));
  TRY(fields.done());
  if (request.prompts.size() * generation.choices > kChoicesMax) {
    return invalid("n", "{} prompts with {} choices are more than {} answers",
                   request.prompts.size(), generation.choices, kChoicesMax);
  }
  return request;
}

}  // namespace sotto::api

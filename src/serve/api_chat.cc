// Chats, in both of the shapes that OpenAI's API has for them.
// SPDX-License-Identifier: Apache-2.0
#include <boost/json/serialize.hpp>

#include "api/answer_grammar.h"
#include "api/chat_request.h"
#include "api/responses_request.h"
#include "crypto/random.h"
#include "serve/api_call.h"
#include "serve/prompts_of.h"

namespace sotto::serve {

namespace json = boost::json;
using api::ApiError;
using api::ApiResult;

namespace {

ApiResult<std::vector<TokenId>> spell(const engine::Host& host, const std::string& text) {
  Result<std::vector<TokenId>> ids = host.tokenizer().encode(text, true);
  if (!ids) return std::unexpected(api::from_error(ids.error(), ""));
  return std::move(*ids);
}

}  // namespace

ApiResult<void> ApiServer::hold_to_format(Question& question, const ServedModel& model,
                                          const api::OutputFormat& format,
                                          const std::string& field) {
  if (format.kind == api::OutputFormat::Kind::text) return {};
  const std::string name = fmt::format("{} {}\n{}", static_cast<int>(format.kind), format.grammar,
                                       json::serialize(format.schema));
  question.rules.grammar = TRY(formats_.get(question.tenant, name, model.host->trie(),
                                            [&] { return api::format_grammar(format, field); }));
  return {};
}

// A call that has to come is held to its tool's parameters, and one that may come once it has begun.
ApiResult<void> ApiServer::hold_calls(Question& question, const ServedModel& model,
                                      const api::Tools& tools) {
  if (!tools.any()) return {};
  const engine::Host& host = *model.host;
  const text::ToolFormat notation = host.prompts().tools().format;
  question.calls = notation;
  question.parallel_calls = tools.parallel;
  const bool required = tools.choice == api::ToolChoice::required;
  // A format of the whole answer leaves no room for calls.
  if (!required && question.rules.grammar != nullptr) return {};
  const api::CallNotation around = api::call_notation(notation);
  const std::optional<TokenId> trigger =
      around.trigger.empty() ? std::nullopt : host.tokenizer().find(around.trigger);
  if (!required && !trigger) return {};
  const std::string name = fmt::format("call {} {}\n{}", static_cast<int>(notation), tools.only,
                                       json::serialize(tools.list));
  question.rules.grammar = TRY(formats_.get(question.tenant, name, host.trie(),
                                            [&] { return api::call_grammar(tools, notation); }));
  if (required) {
    question.rules.lead = TRY(spell(host, around.lead));
    question.rules.tail = TRY(spell(host, around.tail));
  } else {
    question.rules.trigger = trigger;
    question.rules.tail = TRY(spell(host, around.call_tail));
  }
  return {};
}

ApiResult<Question> ApiServer::question_of(Call& call, const ServedModel& model,
                                           const api::ChatRequest& request,
                                           const std::string& prompt_field,
                                           const std::string& format_field) {
  const engine::Host& host = *model.host;
  Question question;
  question.prompts.push_back(TRY(chat_prompt(host.prompts(), request, prompt_field)));
  question.prompt_field = prompt_field;
  question.generation = request.generation;
  question.base = model.recommended;
  question.seed = crypto::random_u64();
  question.tenant = call.tenant();
  TRY(hold_to_format(question, model, request.format, format_field));
  TRY(hold_calls(question, model, request.tools));
  if (request.reasoning.tokens_max) {
    question.rules.thinking_max = request.reasoning.tokens_max;
    const auto close = engine::close_thinking_tokens(host.tokenizer());
    if (!close) return std::unexpected(api::from_error(close.error(), ""));
    question.rules.close_thinking = *close;
  }
  return question;
}

Awaitable<ApiResult<void>> ApiServer::chat(Call& call) {
  const ApiResult<api::Body> body = read_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  const ApiResult<api::ChatRequest> request = api::read_chat_request(body->object());
  if (!request) co_return std::unexpected(request.error());
  const ApiResult<ServedModel*> model = find_model(call, request->generation.model);
  if (!model) co_return std::unexpected(model.error());
  const ApiResult<Question> question =
      question_of(call, **model, *request, "messages", "response_format");
  if (!question) co_return std::unexpected(question.error());
  call.note(*question);
  auto answering = Answering::begin(call.exchange.executor(), *(*model)->host, *question);
  if (!answering) co_return std::unexpected(answering.error());
  const api::Generation& generation = request->generation;
  const auto writer = api::make_chat_writer(make_head("chatcmpl-", call.model), generation.choices,
                                            generation.logprobs, generation.include_usage);
  co_return co_await call.respond(**answering, *writer, generation.stream, generation.choices);
}

Awaitable<ApiResult<void>> ApiServer::respond(Call& call) {
  const ApiResult<api::Body> body = read_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  const ApiResult<api::ResponsesRequest> request = api::read_responses_request(body->object());
  if (!request) co_return std::unexpected(request.error());
  const ApiResult<ServedModel*> model = find_model(call, request->chat.generation.model);
  if (!model) co_return std::unexpected(model.error());
  const ApiResult<Question> question =
      question_of(call, **model, request->chat, "input", "text.format");
  if (!question) co_return std::unexpected(question.error());
  call.note(*question);
  auto answering = Answering::begin(call.exchange.executor(), *(*model)->host, *question);
  if (!answering) co_return std::unexpected(answering.error());
  const auto writer = api::make_responses_writer(make_head("resp_", call.model), request->echo);
  co_return co_await call.respond(**answering, *writer, request->chat.generation.stream, 1);
}

}  // namespace sotto::serve

// Chat and text completions, whole or as a stream of events.
// SPDX-License-Identifier: Apache-2.0
#include <boost/json/serialize.hpp>
#include <ctime>

#include "crypto/random.h"
#include "serve/api_call.h"
#include "serve/sse.h"

namespace sotto::serve {

namespace json = boost::json;
using api::ApiError;
using api::ApiResult;

namespace {

// What the endpoints that generate differ in.
struct Shape {
  api::AnswerHead head;
  bool logprobs = false;
  bool include_usage = false;
  std::vector<std::string> begin;  // of each choice: the prompt that is echoed
  json::object (*whole)(const api::AnswerHead&, std::span<const api::Choice>, const api::Usage&,
                        bool logprobs);
  json::object (*piece)(const api::AnswerHead&, const api::Choice&, bool logprobs);
  json::object (*last)(const api::AnswerHead&, const api::Usage&);
};

json::object whole_text(const api::AnswerHead& head, std::span<const api::Choice> choices,
                        const api::Usage& usage, bool logprobs) {
  return api::text_completion(head, choices, usage, logprobs);
}

json::object piece_of_text(const api::AnswerHead& head, const api::Choice& piece, bool logprobs) {
  return api::text_completion(head, {&piece, 1}, std::nullopt, logprobs && !piece.logprobs.empty());
}

json::object last_of_text(const api::AnswerHead& head, const api::Usage& usage) {
  return api::text_completion(head, {}, usage, false);
}

void append(api::Choice& to, api::Choice&& piece) {
  to.reasoning += piece.reasoning;
  to.content += piece.content;
  for (json::value& entry : piece.logprobs) to.logprobs.push_back(std::move(entry));
  if (!piece.finish_reason.empty()) to.finish_reason = piece.finish_reason;
}

api::AnswerHead make_head(const char* prefix, const std::string& model) {
  api::AnswerHead head;
  head.id = fmt::format("{}-{:016x}{:016x}", prefix, crypto::random_u64(), crypto::random_u64());
  head.created = std::time(nullptr);
  head.model = model;
  return head;
}

std::string event_of(const json::object& object) {
  return sse_event(json::serialize(object));
}

// All of it in one answer.
template <class Call>
Awaitable<ApiResult<void>> answer_whole(Call& call, Answering& answering, const Shape& shape,
                                        size_t count) {
  std::vector<api::Choice> choices(count);
  for (size_t i = 0; i < count; ++i) {
    choices[i].index = static_cast<uint32_t>(i);
    if (i < shape.begin.size()) choices[i].content = shape.begin[i];
  }
  const WhileAsked asked(call.exchange, answering, call.gone);
  for (;;) {
    ApiResult<std::vector<api::Choice>> pieces = co_await answering.next();
    call.note(answering);
    if (!pieces) co_return std::unexpected(pieces.error());
    if (pieces->empty()) break;
    for (api::Choice& piece : *pieces) append(choices[piece.index], std::move(piece));
  }
  json::object body = shape.whole(shape.head, choices, call.usage, shape.logprobs);
  co_await call.send_json(std::move(body));
  co_return ApiResult<void>();
}

// An event for each piece. An error in the middle is an event too, and the stream then ends without
// [DONE].
template <class Call>
Awaitable<ApiResult<void>> answer_stream(Call& call, Answering& answering, const Shape& shape,
                                         std::string first) {
  const WhileAsked asked(call.exchange, answering, call.gone);
  HttpAnswer begin = call.answer(200, kSseType.data(), std::move(first));
  begin.fields.emplace_back("cache-control", "no-cache");
  const Result<void> started = co_await call.exchange.start(std::move(begin));
  call.gone = call.gone || !started;
  for (bool more = !call.gone; more;) {
    ApiResult<std::vector<api::Choice>> pieces = co_await answering.next();
    call.note(answering);
    std::string events;
    if (!pieces) {
      events = event_of(pieces.error().json());
    } else if (pieces->empty()) {
      if (shape.include_usage) events = event_of(shape.last(shape.head, call.usage));
      events += sse_event("[DONE]");
    } else {
      for (const api::Choice& piece : *pieces) {
        events += event_of(shape.piece(shape.head, piece, shape.logprobs));
      }
    }
    more = pieces && !pieces->empty();
    const bool sent = co_await call.send_event(std::move(events));
    if (!sent) break;
  }
  if (!call.gone) {
    const Result<void> finished = co_await call.exchange.finish();
    call.gone = !finished;
  }
  co_return ApiResult<void>();
}

}  // namespace

Awaitable<ApiResult<void>> ApiServer::chat(Call& call) {
  const ApiResult<api::Body> body = read_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  const ApiResult<api::ChatRequest> request = api::read_chat_request(body->object());
  if (!request) co_return std::unexpected(request.error());
  const api::Generation& generation = request->generation;
  const ApiResult<ServedModel*> model = find_model(call, generation.model);
  if (!model) co_return std::unexpected(model.error());
  engine::Host& host = *(*model)->host;
  if (!host.has_template()) {
    ApiError error{400, "unsupported_model", "model", "this model has no chat template"};
    co_return std::unexpected(error);
  }
  engine::ChatExtras extras;
  extras.variables = request->template_variables;
  const Result<engine::Prompt> prompt = host.chat_prompt(request->messages, extras);
  if (!prompt) co_return std::unexpected(api::from_error(prompt.error(), "messages"));
  auto answering = Answering::begin(call.exchange.executor(), host, {&*prompt, 1}, generation,
                                    (*model)->recommended, crypto::random_u64(), call.tenant());
  if (!answering) co_return std::unexpected(answering.error());

  Shape shape;
  shape.head = make_head("chatcmpl", call.model);
  shape.logprobs = generation.logprobs;
  shape.include_usage = generation.include_usage;
  shape.whole = api::chat_completion;
  shape.piece = api::chat_chunk;
  shape.last = api::chat_chunk_usage;
  if (!generation.stream) {
    const size_t count = generation.choices;
    co_return co_await answer_whole(call, **answering, shape, count);
  }
  std::string first;
  for (uint32_t i = 0; i < generation.choices; ++i) {
    first += event_of(api::chat_chunk_begin(shape.head, i));
  }
  co_return co_await answer_stream(call, **answering, shape, std::move(first));
}

namespace {

ApiResult<std::vector<engine::Prompt>> make_prompts(const engine::Host& host,
                                                    const std::vector<api::PromptInput>& inputs) {
  std::vector<engine::Prompt> prompts;
  for (const api::PromptInput& input : inputs) {
    engine::Prompt prompt;
    if (const auto* ids = std::get_if<std::vector<TokenId>>(&input)) {
      prompt.ids = *ids;
    } else {
      Result<engine::Prompt> made = host.plain_prompt(std::get<std::string>(input));
      if (!made) return std::unexpected(api::from_error(made.error(), "prompt"));
      prompt = std::move(*made);
    }
    if (prompt.ids.empty()) return api::invalid("prompt", "the prompt has no tokens");
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

std::string echo_of(const engine::Host& host, const api::PromptInput& input) {
  if (const auto* text = std::get_if<std::string>(&input)) return *text;
  text::Detokenizer whole(host.tokenizer(), true);
  std::string text;
  for (const TokenId id : std::get<std::vector<TokenId>>(input)) text += whole.push(id);
  return text + whole.finish();
}

}  // namespace

Awaitable<ApiResult<void>> ApiServer::complete(Call& call) {
  const ApiResult<api::Body> body = read_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  const ApiResult<api::CompletionRequest> request = api::read_completion_request(body->object());
  if (!request) co_return std::unexpected(request.error());
  const api::Generation& generation = request->generation;
  const ApiResult<ServedModel*> model = find_model(call, generation.model);
  if (!model) co_return std::unexpected(model.error());
  engine::Host& host = *(*model)->host;
  const ApiResult<std::vector<engine::Prompt>> prompts = make_prompts(host, request->prompts);
  if (!prompts) co_return std::unexpected(prompts.error());
  auto answering = Answering::begin(call.exchange.executor(), host, *prompts, generation,
                                    (*model)->recommended, crypto::random_u64(), call.tenant());
  if (!answering) co_return std::unexpected(answering.error());

  Shape shape;
  shape.head = make_head("cmpl", call.model);
  shape.logprobs = generation.logprobs;
  shape.include_usage = generation.include_usage;
  shape.whole = whole_text;
  shape.piece = piece_of_text;
  shape.last = last_of_text;
  const size_t count = prompts->size() * generation.choices;
  for (size_t i = 0; request->echo && i < count; ++i) {
    shape.begin.push_back(echo_of(host, request->prompts[i / generation.choices]));
  }
  if (!generation.stream) co_return co_await answer_whole(call, **answering, shape, count);
  std::string first;
  for (size_t i = 0; i < shape.begin.size(); ++i) {
    api::Choice piece;
    piece.index = static_cast<uint32_t>(i);
    piece.content = shape.begin[i];
    first += event_of(piece_of_text(shape.head, piece, false));
  }
  co_return co_await answer_stream(call, **answering, shape, std::move(first));
}

}  // namespace sotto::serve

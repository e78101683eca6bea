// Text completions and embeddings: prompts without turns.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/answer_grammar.h"
#include "api/completion_request.h"
#include "api/embeddings_request.h"
#include "crypto/random.h"
#include "serve/api_call.h"
#include "serve/prompts_of.h"

namespace sotto::serve {

using api::ApiError;
using api::ApiResult;

namespace {

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
  ApiResult<std::vector<engine::Prompt>> prompts =
      text_prompts(host.prompts(), request->prompts, "prompt");
  if (!prompts) co_return std::unexpected(prompts.error());
  Question question;
  question.prompts = std::move(*prompts);
  question.prompt_field = "prompt";
  question.generation = generation;
  question.base = (*model)->recommended;
  question.seed = crypto::random_u64();
  question.tenant = call.tenant();
  const ApiResult<void> held =
      hold_to_format(question, **model, request->format, "response_format");
  if (!held) co_return std::unexpected(held.error());
  call.note(question);
  auto answering = Answering::begin(call.exchange.executor(), host, question);
  if (!answering) co_return std::unexpected(answering.error());
  const size_t count = request->prompts.size() * generation.choices;
  std::vector<std::string> echoes;
  for (size_t i = 0; request->echo && i < count; ++i) {
    echoes.push_back(echo_of(host, request->prompts[i / generation.choices]));
  }
  const auto writer = api::make_text_writer(make_head("cmpl-", call.model), std::move(echoes),
                                            generation.logprobs, generation.include_usage);
  co_return co_await call.respond(**answering, *writer, generation.stream, count);
}

Awaitable<ApiResult<void>> ApiServer::embed(Call& call) {
  const ApiResult<api::Body> body = read_body(call.request);
  if (!body) co_return std::unexpected(body.error());
  const auto request = api::read_embeddings_request(body->object());
  if (!request) co_return std::unexpected(request.error());
  const ApiResult<ServedModel*> model = find_model(call, request->model);
  if (!model) co_return std::unexpected(model.error());
  engine::Host& host = *(*model)->host;
  const auto prompts = text_prompts(host.prompts(), request->inputs, "input");
  if (!prompts) co_return std::unexpected(prompts.error());
  for (const engine::Prompt& prompt : *prompts) {
    const auto fits = check_length(host.engine(), prompt.ids.size(), 0, "input");
    if (!fits) co_return std::unexpected(fits.error());
  }
  Wake wake(call.exchange.executor());
  std::vector<engine::TokenStream> streams;
  call.exchange.on_gone([&] {
    call.gone = true;
    for (engine::TokenStream& stream : streams) stream.cancel();
  });
  ApiResult<void> result;
  std::vector<std::vector<float>> vectors;
  for (const engine::Prompt& prompt : *prompts) {
    // One after the other, so that a long list takes no more than one place.
    engine::Request ask;
    ask.prompt = prompt.ids;
    ask.tenant = call.tenant();
    ask.embed = true;
    auto stream = host.engine().submit(std::move(ask));
    if (!stream) {
      result = std::unexpected(api::from_error(stream.error(), ""));
      break;
    }
    streams.clear();
    streams.push_back(std::move(*stream));
    SecretVector<engine::Sampled> none;
    Result<bool> over = streams.back().take(none);
    while (over && !*over) {
      wake.prepare();
      wake.listen(streams.back());
      co_await wake.wait();
      over = streams.back().take(none);
    }
    if (!over) {
      result = std::unexpected(api::from_error(over.error(), ""));
      break;
    }
    const SecretVector<float>& vector = streams.back().finish()->embedding;
    if (vector.empty()) break;  // the client is gone
    vectors.emplace_back(vector.begin(), vector.end());
    call.usage.prompt_tokens += prompt.ids.size();
  }
  call.exchange.on_gone(nullptr);
  if (!result || call.gone) co_return result;
  boost::json::object answer =
      api::embeddings_json(call.model, vectors, request->base64, call.usage.prompt_tokens);
  co_await call.send_json(std::move(answer));
  co_return result;
}

}  // namespace sotto::serve

// Answering: in one piece, or event by event.
// SPDX-License-Identifier: Apache-2.0
#include "serve/api_call.h"

#include <ctime>
#include <utility>

#include "api/sse.h"
#include "crypto/random.h"

namespace sotto::serve {

using api::ApiResult;

namespace {

void append(api::Choice& to, api::Choice&& piece) {
  to.reasoning += piece.reasoning;
  to.content += piece.content;
  for (api::ToolCall& call : piece.calls) to.calls.push_back(std::move(call));
  for (boost::json::value& entry : piece.logprobs) to.logprobs.push_back(std::move(entry));
  if (!piece.finish_reason.empty()) to.finish_reason = piece.finish_reason;
}

Awaitable<ApiResult<void>> answer_whole(ApiServer::Call& call, Answering& answering,
                                        api::AnswerWriter& writer, size_t count) {
  std::vector<api::Choice> choices(count);
  for (size_t i = 0; i < count; ++i) choices[i].index = static_cast<uint32_t>(i);
  const WhileAsked asked(call.exchange, answering, call.gone);
  for (;;) {
    ApiResult<std::vector<api::Choice>> pieces = co_await answering.next();
    call.note(answering);
    if (!pieces) co_return std::unexpected(pieces.error());
    if (pieces->empty()) break;
    for (api::Choice& piece : *pieces) append(choices[piece.index], std::move(piece));
  }
  boost::json::object body = writer.whole(choices, call.usage);
  co_await call.send_json(std::move(body));
  co_return ApiResult<void>();
}

// An event for each piece. An error in the middle is an event too, and the last.
Awaitable<ApiResult<void>> answer_stream(ApiServer::Call& call, Answering& answering,
                                         api::AnswerWriter& writer) {
  const WhileAsked asked(call.exchange, answering, call.gone);
  HttpAnswer begin = call.answer(200, api::kSseType.data(), writer.begin());
  begin.fields.emplace_back("cache-control", "no-cache");
  if (call.receipt) call.receipt->add(begin.body);
  const Result<void> started = co_await call.exchange.start(std::move(begin));
  call.gone = call.gone || !started;
  for (bool more = !call.gone; more;) {
    ApiResult<std::vector<api::Choice>> pieces = co_await answering.next();
    call.note(answering);
    std::string events;
    if (!pieces) {
      events = writer.fail(pieces.error());
    } else if (pieces->empty()) {
      events = writer.end(call.usage);
    } else {
      for (const api::Choice& piece : *pieces) events += writer.piece(piece);
    }
    more = pieces && !pieces->empty();
    if (!more) {
      events = call.close_receipt(std::move(events), !pieces);
    } else if (call.receipt) {
      call.receipt->add(events);
    }
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

Awaitable<ApiResult<void>> ApiServer::Call::respond(Answering& answering, api::AnswerWriter& writer,
                                                    bool stream, size_t choices) {
  if (stream) return answer_stream(*this, answering, writer);
  return answer_whole(*this, answering, writer, choices);
}

api::AnswerHead make_head(const char* prefix, const std::string& model) {
  api::AnswerHead head;
  head.id = fmt::format("{}{:016x}{:016x}", prefix, crypto::random_u64(), crypto::random_u64());
  head.created = std::time(nullptr);
  head.model = model;
  return head;
}

}  // namespace sotto::serve

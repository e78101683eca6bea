// One request to the API on its way through: what was asked, by whom, and what it took.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "api/answer_writer.h"
#include "api/answers.h"
#include "api/body.h"
#include "serve/answering.h"
#include "serve/api_server.h"
#include "serve/receipts.h"

namespace sotto::serve {

struct ApiServer::Call {
  Call(const HttpRequest& the_request, Exchange& the_exchange, std::string the_route);

  const HttpRequest& request;
  Exchange& exchange;
  const std::string id;
  const std::string route;
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  std::shared_ptr<const ApiKey> key;
  KeyLimiter::Lease lease;
  std::string model;  // as the server calls it
  uint32_t status = 0;
  bool gone = false;
  api::Usage usage;
  std::optional<ReceiptDraft> receipt;  // of endpoints whose answers have one
  std::chrono::duration<double> queue_time{0};
  std::chrono::duration<double> first_token_time{0};

  uint64_t tenant() const { return key == nullptr ? 0 : key->tenant; }
  HttpAnswer answer(uint32_t the_status, const char* type, std::string body);
  Awaitable<void> send(HttpAnswer answer);
  Awaitable<void> send_json(boost::json::object body);
  Awaitable<void> send_error(const api::ApiError& error);
  // False when the client is gone.
  Awaitable<bool> send_event(std::string event);
  void note(const Answering& answering);
  // For the receipt: how tokens are chosen.
  void note(const Question& question);
  // These events with the receipt, signed, in its place.
  std::string close_receipt(std::string events, bool failed);
  // The answer in one piece or, where `stream` is set, as it comes; `choices` of them.
  Awaitable<api::ApiResult<void>> respond(Answering& answering, api::AnswerWriter& writer,
                                          bool stream, size_t choices);
};

// While it lives, a client that hangs up ends the answering.
class WhileAsked {
 public:
  WhileAsked(Exchange& exchange, Answering& answering, bool& gone) : exchange_(exchange) {
    exchange_.on_gone([&answering, &gone] {
      gone = true;
      answering.cancel();
    });
  }
  WhileAsked(const WhileAsked&) = delete;
  WhileAsked& operator=(const WhileAsked&) = delete;
  ~WhileAsked() { exchange_.on_gone(nullptr); }

 private:
  Exchange& exchange_;
};

// A head with an id of its own: "chatcmpl-…".
api::AnswerHead make_head(const char* prefix, const std::string& model);

// Requests have bodies of JSON, said so: a page in a browser cannot send that type to another site
// without asking first.
api::ApiResult<api::Body> read_body(const HttpRequest& request);

}  // namespace sotto::serve

// Opening, handing on, refusing.
// SPDX-License-Identifier: Apache-2.0
#include "serve/ohttp_gateway.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <exception>
#include <optional>

#include "channel/binary_http.h"
#include "serve/sealed_exchange.h"

namespace sotto::serve {

using channel::Form;

namespace {

// [RFC9458 §5.2], [RFC9458 §5.3]: a client that is told of its key gets the keys anew.
HttpAnswer problem(uint32_t status, bool key, const std::string& title) {
  boost::json::object body;
  body["type"] = key ? "https://iana.org/assignments/http-problem-types#ohttp-key" : "about:blank";
  body["title"] = title;
  HttpAnswer answer;
  answer.status = status;
  answer.fields.emplace_back("content-type", "application/problem+json");
  answer.body = boost::json::serialize(body);
  return answer;
}

std::optional<Form> form_of(const HttpRequest& request) {
  for (const Form form : {Form::whole, Form::chunked}) {
    if (request.field("content-type") == channel::request_type(form)) return form;
  }
  return std::nullopt;
}

HttpRequest inner_request(channel::BinaryRequest&& sealed) {
  HttpRequest request;
  request.method = std::move(sealed.method);
  const size_t question = sealed.path.find('?');
  request.path = sealed.path.substr(0, question);
  if (question != std::string::npos) request.query = sealed.path.substr(question + 1);
  request.fields = std::move(sealed.fields);
  request.body.assign(sealed.content.begin(), sealed.content.end());
  return request;
}

}  // namespace

void OhttpGateway::add_routes(Router& router) {
  router.add("GET", "/ohttp-keys",
             [this](const HttpRequest&, Exchange& exchange) -> Awaitable<void> {
               HttpAnswer answer;
               answer.fields.emplace_back("content-type", std::string(channel::kOhttpKeysType));
               answer.fields.emplace_back("cache-control", "no-cache");
               const std::vector<uint8_t> configs = keys_.configs();
               answer.body = std::string(as_text(configs));
               static_cast<void>(co_await exchange.send(std::move(answer)));
             });
  router.add("POST", "/ohttp",
             [this](const HttpRequest& request, Exchange& exchange) -> Awaitable<void> {
               co_await answer(request, exchange);
             });
}

Awaitable<void> OhttpGateway::answer(const HttpRequest& request, Exchange& exchange) {
  const std::optional<Form> form = form_of(request);
  if (!form) {
    HttpAnswer refusal = problem(415, false, "the body is no sealed request");
    static_cast<void>(co_await exchange.send(std::move(refusal)));
    co_return;
  }
  Result<channel::GatewayKeys::Opened> opened = keys_.open(
      as_bytes(request.body_text()), *form, kInnerRequestBytesMax + (64 << 10), std::time(nullptr));
  if (!opened) {
    const bool key = opened.error().kind == ErrorKind::unsupported ||
                     opened.error().kind == ErrorKind::untrusted;
    HttpAnswer refusal = problem(400, key, opened.error().message);
    static_cast<void>(co_await exchange.send(std::move(refusal)));
    co_return;
  }
  SealedExchange sealed(exchange, std::move(opened->exchange), *form, padding_);
  Result<channel::BinaryRequest> inner =
      channel::decode_request(opened->request, kInnerRequestBytesMax);
  if (!inner) {
    HttpAnswer refusal = problem(400, false, inner.error().message);
    static_cast<void>(co_await sealed.send(std::move(refusal)));
    co_return;
  }
  const HttpRequest asked = inner_request(std::move(*inner));
  std::exception_ptr thrown;
  try {
    co_await inner_(asked, sealed);
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await sealed.settle();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace sotto::serve

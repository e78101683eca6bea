// Any bytes as the body of a request, through the server's own handlers to the demo model and back.
// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "cmd/model_source.h"
#include "serve/api_server.h"
#include "serve/local_exchange.h"

namespace {

using namespace sotto;

// With so short a context that no answer takes long.
struct Server {
  Server() {
    engine::EngineOptions options;
    options.context = 96;
    options.sequences_max = 8;
    options.cache_requests = 8;
    serve::ServedModel model;
    model.name = "demo";
    model.host = engine::Host::open(cmd::open_model("demo").value(), 1, options, 96, {}).value();
    serve::ApiServer::Parts parts;
    parts.models.push_back(std::move(model));
    parts.log = log.get();
    parts.metrics = &metrics;
    api = std::make_unique<serve::ApiServer>(std::move(parts));
    router = api->public_routes();
  }
  std::unique_ptr<serve::RequestLog> log = serve::RequestLog::open("/dev/null").value();
  serve::Metrics metrics;
  std::unique_ptr<serve::ApiServer> api;
  serve::Router router;
};

constexpr std::string_view kPaths[] = {"/v1/chat/completions", "/v1/responses", "/v1/completions",
                                       "/v1/embeddings",       "/tokenize",     "/detokenize"};

}  // namespace

// The first byte chooses the path.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Server server;
  if (size == 0) return 0;
  serve::HttpRequest request;
  request.method = "POST";
  request.path = kPaths[data[0] % std::size(kPaths)];
  request.fields.emplace_back("content-type", "application/json");
  request.body.assign(data + 1, data + size);
  boost::asio::io_context context;
  serve::LocalExchange exchange(context);
  boost::asio::co_spawn(context, server.router(request, exchange), boost::asio::detached);
  context.run();
  CHECK(exchange.finished());
  const bool good = exchange.answer().status == 200;
  CHECK(good || (exchange.answer().status >= 400 && exchange.answer().status < 500));
  if (exchange.streamed()) {
    CHECK(good && exchange.answer().body.ends_with("\n\n"));
    return 0;
  }
  boost::system::error_code error;
  const auto answer = boost::json::parse(exchange.answer().body, error);
  CHECK(!error && answer.is_object());
  CHECK(good != answer.get_object().contains("error") || request.path == "/v1/responses");
  return 0;
}

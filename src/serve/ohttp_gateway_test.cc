// Sealed requests through the gateway to a handler and back, and what it refuses.
// SPDX-License-Identifier: Apache-2.0
#include "serve/ohttp_gateway.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <ctime>

#include "api/sse.h"
#include "channel/binary_http.h"
#include "serve/local_exchange.h"

namespace sotto::serve {
namespace {

using channel::Form;
using channel::Padding;

// Answers /echo with the body and /stream with three events of different lengths.
struct Gateway {
  explicit Gateway(Padding padding) : gateway(keys, inner, padding) {
    inner.add("POST", "/echo",
              [](const HttpRequest& request, Exchange& exchange) -> Awaitable<void> {
                HttpAnswer answer;
                answer.fields.emplace_back("x-query", request.query);
                answer.fields.emplace_back("x-field", std::string(request.field("x-asked")));
                answer.body = std::string(request.body_text());
                static_cast<void>(co_await exchange.send(std::move(answer)));
              });
    inner.add("POST", "/stream",
              [](const HttpRequest& request, Exchange& exchange) -> Awaitable<void> {
                HttpAnswer begin;
                begin.fields.emplace_back("content-type", std::string(api::kSseType));
                begin.body = "data: begin\n\n";
                static_cast<void>(co_await exchange.start(std::move(begin)));
                const std::string words(request.body_text());
                for (size_t i = 0; i < 3; ++i) {
                  std::string event = api::sse_event(words.substr(0, 1 + i * 7));
                  static_cast<void>(co_await exchange.write(std::move(event)));
                }
                static_cast<void>(co_await exchange.finish());
              });
    gateway.add_routes(outer);
  }

  HttpAnswer send(const std::string& path, const std::string& type, const std::string& body) {
    HttpRequest request;
    request.method = "POST";
    request.path = path;
    request.fields.emplace_back("content-type", type);
    request.body.assign(body.begin(), body.end());
    boost::asio::io_context context;
    LocalExchange exchange(context);
    boost::asio::co_spawn(context, outer(request, exchange), boost::asio::detached);
    context.run();
    EXPECT_TRUE(exchange.finished());
    return exchange.answer();
  }

  channel::GatewayKeys keys{std::time(nullptr)};
  Router inner;
  OhttpGateway gateway;
  Router outer;
};

struct Asked {
  uint32_t outer_status = 0;
  std::string outer_type;
  size_t sealed_bytes = 0;
  uint32_t status = 0;
  channel::Fields fields;
  std::string body;
};

Asked ask(Gateway& gateway, Form form, const std::string& path, const std::string& body) {
  const auto config = channel::parse_key_configs(gateway.keys.configs()).value().at(0);
  auto client = channel::ClientExchange::begin(config, form).value();
  channel::BinaryRequest request{"POST", "https", "node", path, {{"x-asked", "yes"}}, {}};
  request.content.assign(body.begin(), body.end());
  const channel::Secret bytes = channel::encode(request);
  std::vector<uint8_t> sealed;
  if (form == Form::whole) {
    sealed = client.seal_request(bytes).value();
  } else {
    sealed = client.header();
    const auto chunk = client.seal_chunk(bytes, true).value();
    sealed.insert(sealed.end(), chunk.begin(), chunk.end());
  }
  const HttpAnswer answer = gateway.send("/ohttp", std::string(channel::request_type(form)),
                                         std::string(as_text(sealed)));
  Asked asked;
  asked.outer_status = answer.status;
  asked.outer_type = answer.fields.at(0).second;
  asked.sealed_bytes = answer.body.size();
  if (answer.status != 200) return asked;
  channel::Secret opened;
  if (form == Form::whole) {
    opened = client.open_response(as_bytes(answer.body)).value();
  } else {
    opened = client.feed(as_bytes(answer.body)).value();
    const channel::Secret last = client.finish().value();
    opened.insert(opened.end(), last.begin(), last.end());
  }
  channel::BinaryResponseReader reader(1 << 20);
  EXPECT_TRUE(reader.feed(opened));
  EXPECT_TRUE(reader.finish());
  asked.status = reader.status();
  asked.fields = reader.fields();
  const channel::Secret content = reader.take_content();
  asked.body = std::string(as_text(content));
  return asked;
}

TEST(OhttpGateway, answers_by_the_same_handlers) {
  for (const Padding padding : {Padding::off, Padding::bucket}) {
    Gateway gateway(padding);
    for (const Form form : {Form::whole, Form::chunked}) {
      const Asked asked = ask(gateway, form, "/echo?q=1", "the question");
      EXPECT_EQ(asked.outer_status, 200u);
      EXPECT_EQ(asked.outer_type, channel::response_type(form));
      EXPECT_EQ(asked.status, 200u);
      EXPECT_EQ(asked.body, "the question");
      EXPECT_EQ(asked.fields.at(0).second, "q=1");
      EXPECT_EQ(asked.fields.at(1).second, "yes");
      EXPECT_EQ(ask(gateway, form, "/nowhere", "").status, 404u);
      const std::string large(100000, 'x');
      if (form == Form::whole) {
        EXPECT_EQ(ask(gateway, form, "/echo", large).body, large);
      }
    }
  }
}

TEST(OhttpGateway, streams_and_hides_the_lengths_of_events) {
  const std::string expected =
      "data: begin\n\ndata: x\n\ndata: xyzxyzxy\n\ndata: xyzxyzxyzxyzxyz\n\n";
  const std::string words = "xyzxyzxyzxyzxyz";
  Gateway off(Padding::off);
  Gateway bucket(Padding::bucket);
  Gateway cadence(Padding::cadence);
  for (Gateway* gateway : {&off, &bucket, &cadence}) {
    const Asked asked = ask(*gateway, Form::chunked, "/stream", words);
    EXPECT_EQ(asked.status, 200u);
    EXPECT_EQ(channel::without_padding(asked.body), expected);
    EXPECT_EQ(ask(*gateway, Form::whole, "/stream", words).body, expected);
  }
  // Other words of other lengths: the same on the wire.
  const std::string other = "\"a\"\"b\"\"c\"\"d\"\"e\"\"f\"";
  EXPECT_EQ(ask(bucket, Form::chunked, "/stream", words).sealed_bytes,
            ask(bucket, Form::chunked, "/stream", other).sealed_bytes);
  EXPECT_EQ(ask(bucket, Form::whole, "/echo", "short").sealed_bytes,
            ask(bucket, Form::whole, "/echo", std::string(300, 'x')).sealed_bytes);
  EXPECT_NE(ask(off, Form::whole, "/echo", "short").sealed_bytes,
            ask(off, Form::whole, "/echo", std::string(300, 'x')).sealed_bytes);
}

TEST(OhttpGateway, refuses_what_it_cannot_open) {
  Gateway gateway(Padding::bucket);
  EXPECT_EQ(gateway.send("/ohttp", "application/json", "{}").status, 415u);
  const std::string type(channel::request_type(Form::whole));
  const HttpAnswer noise = gateway.send("/ohttp", type, std::string(100, 'x'));
  EXPECT_EQ(noise.status, 400u);
  EXPECT_EQ(noise.fields.at(0).second, "application/problem+json");
  EXPECT_NE(noise.body.find("#ohttp-key"), std::string::npos);
  EXPECT_EQ(gateway.send("/ohttp", type, "").status, 400u);
  // The same twice.
  const auto config = channel::parse_key_configs(gateway.keys.configs()).value().at(0);
  auto client = channel::ClientExchange::begin(config, Form::whole).value();
  const channel::BinaryRequest request{"POST", "https", "", "/echo", {}, {}};
  const auto sealed = client.seal_request(channel::encode(request)).value();
  EXPECT_EQ(gateway.send("/ohttp", type, std::string(as_text(sealed))).status, 200u);
  EXPECT_EQ(gateway.send("/ohttp", type, std::string(as_text(sealed))).status, 400u);
  // Sealed well, but no HTTP inside: the refusal is sealed too.
  auto another = channel::ClientExchange::begin(config, Form::whole).value();
  const auto nonsense = another.seal_request(as_bytes("nonsense")).value();
  const HttpAnswer answer = gateway.send("/ohttp", type, std::string(as_text(nonsense)));
  EXPECT_EQ(answer.status, 200u);
  channel::BinaryResponseReader reader(1000);
  ASSERT_TRUE(reader.feed(another.open_response(as_bytes(answer.body)).value()));
  EXPECT_EQ(reader.status(), 400u);
}

}  // namespace
}  // namespace sotto::serve

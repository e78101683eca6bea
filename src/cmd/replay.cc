// `sotto replay`: answers a request again as a receipt says, and compares.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <ctime>
#include <memory>
#include <string>

#include "api/answer_content.h"
#include "attest/bundle/bundle.h"
#include "attest/bundle/statement.h"
#include "base/text_encoding.h"
#include "channel/receipt.h"
#include "cmd/commands.h"
#include "cmd/evidence_files.h"
#include "cmd/model_source.h"
#include "cmd/options.h"
#include "cmd/terminal.h"
#include "serve/api_server.h"
#include "serve/local_exchange.h"

namespace sotto::cmd {
namespace {

namespace json = boost::json;

struct ReplayCommand {
  std::string model;
  std::string receipt;
  std::string request;
  std::string response;
  std::string bundle;
  uint32_t threads = 1;
  bool json = false;
};

constexpr uint64_t kBodyBytesMax = 256 << 20;

Result<std::string> read_text(const std::string& path) {
  const std::vector<uint8_t> bytes = TRY(read_evidence_file(path, kBodyBytesMax));
  return std::string(bytes.begin(), bytes.end());
}

// By the key in the bundle's statement. Whether that statement is a genuine node's is `sotto verify`'s
// to say: the answer is the same or not whoever signed for it.
Result<channel::Receipt> read_receipt(const ReplayCommand& command) {
  std::string token = TRY(read_text(command.receipt));
  if (const auto split = channel::split_receipt(token)) token = split->token;
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const attest::Bundle bundle = TRY(attest::parse_bundle(TRY(read_text(command.bundle))));
  const attest::Statement statement = TRY(attest::parse_statement(as_text(bundle.statement)));
  channel::Receipt receipt = TRY(channel::verify_receipt(token, statement.receipt_key));
  if (receipt.statement_sha256 != crypto::sha256(bundle.statement)) {
    return fail(ErrorKind::untrusted, "the receipt is about another statement than the bundle's");
  }
  if (receipt.model.empty() || receipt.outcome != channel::Outcome::completed) {
    return fail(ErrorKind::unsupported, "the receipt is of an answer that did not come to its end");
  }
  return receipt;
}

Result<std::string> path_of(const std::string& endpoint) {
  if (endpoint == "chat") return std::string("/v1/chat/completions");
  if (endpoint == "responses" || endpoint == "completions" || endpoint == "embeddings") {
    return "/v1/" + endpoint;
  }
  return fail(ErrorKind::unsupported, "the receipt is of the endpoint '{}'", printable(endpoint));
}

// In one piece, from this model, with the seed that the node drew.
Result<serve::HttpRequest> request_of(const channel::Receipt& receipt, const std::string& body) {
  json::error_code error;
  json::value value = json::parse(body, error);
  if (error || !value.is_object()) {
    return fail(ErrorKind::malformed, "--request: no JSON object");
  }
  json::object& object = value.get_object();
  object.erase("model");
  object.erase("stream");
  object.erase("stream_options");
  if (receipt.sampling)
    object["seed"] = static_cast<int64_t>(receipt.sampling->seed);  // as the API reads it
  const std::string text = json::serialize(object);
  serve::HttpRequest request;
  request.method = "POST";
  request.path = TRY(path_of(receipt.endpoint));
  request.fields.emplace_back("content-type", "application/json");
  request.body.assign(text.begin(), text.end());
  return request;
}

Result<std::string> answer_again(const ReplayCommand& command, const channel::Receipt& receipt,
                                 const serve::HttpRequest& request) {
  engine::EngineOptions options;
  options.context = receipt.context;
  options.kv_type = kv_type(receipt.kv == "q8_0" ? "q8_0" : "f16");
  options.sequences_max = 8;
  options.cache_requests = 8;
  serve::ServedModel model;
  model.name = "replayed";
  model.host = TRY(engine::Host::open(TRY(open_model(command.model)), command.threads, options,
                                      receipt.context, terminal_progress("loading")));
  const auto& root = model.host->model().identity().model_root;
  if (root != receipt.model_root) {
    return fail(ErrorKind::untrusted, "another model answered: its root is {}, this one's {}",
                hex_of(receipt.model_root), hex_of(root));
  }
  model.host->prompts().stop_clock(receipt.issued_at);
  model.recommended = TRY(sampling_params({}, model.host->metadata()));
  const std::unique_ptr<serve::RequestLog> log = TRY(serve::RequestLog::open("/dev/null"));
  serve::Metrics metrics;
  serve::ApiServer::Parts parts;
  parts.models.push_back(std::move(model));
  parts.log = log.get();
  parts.metrics = &metrics;
  serve::ApiServer api(std::move(parts));
  const serve::Router router = api.public_routes();
  boost::asio::io_context context;
  serve::LocalExchange exchange(context);
  boost::asio::co_spawn(context, router(request, exchange), boost::asio::detached);
  context.run();
  if (exchange.answer().status != 200) {
    return fail(ErrorKind::unavailable, "the request is refused here with status {}",
                exchange.answer().status);
  }
  return exchange.answer().body;
}

// What the answer says of itself, as this endpoint words it.
bool states(const std::string& answer, const api::Usage& usage) {
  const json::value value = json::parse(answer);
  const json::value* stated = value.is_object() ? value.get_object().if_contains("usage") : nullptr;
  if (stated == nullptr || !stated->is_object()) return false;
  const auto is = [&](const char* name, const char* other, uint64_t count) {
    const json::value* field = stated->get_object().if_contains(name);
    if (field == nullptr) field = stated->get_object().if_contains(other);
    const auto number = field == nullptr ? json::result<uint64_t>(json::error::not_number)
                                         : json::try_value_to<uint64_t>(*field);
    return number.has_value() ? *number == count : count == 0;
  };
  return is("prompt_tokens", "input_tokens", usage.prompt_tokens) &&
         is("completion_tokens", "output_tokens", usage.completion_tokens);
}

Result<int> run(const ReplayCommand& command) {
  const channel::Receipt receipt = TRY(read_receipt(command));
  const serve::HttpRequest request = TRY(request_of(receipt, TRY(read_text(command.request))));
  const auto told = api::answer_content(TRY(read_text(command.response)));
  if (!told) return within("--response", told.error());
  const std::string answer = TRY(answer_again(command, receipt, request));
  const auto again = TRY(api::answer_content(answer));
  size_t same = 0;
  for (size_t i = 0; i < told->size() && i < again.size(); ++i) same += told->at(i) == again[i];
  const bool counted = states(answer, receipt.usage);
  const bool equal = counted && same == told->size() && told->size() == again.size();
  if (command.json) {
    fmt::print("{}\n", json::serialize(json::object{{"verdict", equal ? "same" : "different"},
                                                    {"choices", told->size()},
                                                    {"same", same},
                                                    {"tokens", counted ? "same" : "different"}}));
  } else if (equal) {
    fmt::print("The same answer, byte for byte: {} of {}; {} and {} tokens as the receipt says.\n",
               same, told->size(), receipt.usage.prompt_tokens, receipt.usage.completion_tokens);
  } else {
    fmt::print("NOT the same answer: {} of {} choices are; the tokens are {}.\n", same,
               told->size(), counted ? "as the receipt says" : "NOT as many as the receipt says");
  }
  return equal ? kExitOk : kExitUntrusted;
}

}  // namespace

Run add_replay(CLI::App& app) {
  auto command = std::make_shared<ReplayCommand>();
  app.add_option("MODEL", command->model, "the model that the receipt names")->required();
  app.add_option("--receipt", command->receipt, "the answer's receipt")->required();
  app.add_option("--request", command->request, "the body that was sent")->required();
  app.add_option("--response", command->response, "the body that came")->required();
  app.add_option("--bundle", command->bundle, "the node's bundle")->required();
  add_threads_option(app, command->threads);
  app.add_flag("--json", command->json, "one JSON object, for machines");
  app.footer(
      "Example: sotto replay demo --receipt r.txt --request q.json --response a.json --bundle "
      "b.json");
  return [command] { return run(*command); };
}

}  // namespace sotto::cmd
